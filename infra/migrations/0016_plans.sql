-- Plans: what a larger request becomes, each version of it, the state of each step, and what people decide about it.
-- The journal keeps what was done; these tables keep what is to be done next, so that an execution carries nothing.

create table plans (
  tenant        text not null,
  id            text not null,
  event_id      text not null,
  flow          text not null,
  goal          text not null,
  state         text not null default 'planning'
                check (state in ('planning', 'running', 'waiting', 'done', 'failed', 'cancelled')),
  version       int not null default 0,
  reason        text not null default '',
  cancelled_by  text not null default '',
  created_at    timestamptz not null default now(),
  finished_at   timestamptz,
  primary key (tenant, id),
  foreign key (tenant, event_id) references events on delete cascade
);
create index plans_by_event on plans (tenant, event_id);
create index plans_by_start on plans (tenant, created_at desc);

-- `fault` says why a version does not do, and makes a next one necessary; `feedback` are the reasons.
create table plan_versions (
  tenant      text not null,
  plan_id     text not null,
  version     int not null,
  steps       json not null,
  checked     boolean not null default false,
  fault       text not null default '' check (fault in ('', 'invalid', 'changed', 'failed')),
  feedback    json not null default '[]',
  created_at  timestamptz not null default now(),
  primary key (tenant, plan_id, version),
  foreign key (tenant, plan_id) references plans on delete cascade
);

-- The steps of the valid version, and of earlier ones what was done. `version` is the one that gave a step its
-- present form.
create table plan_steps (
  tenant       text not null,
  plan_id      text not null,
  id           text not null,
  version      int not null,
  position     int not null,
  step         json not null,
  state        text not null default 'waiting'
               check (state in ('waiting', 'acted', 'done', 'failed', 'dropped')),
  attempts     int not null default 0,
  output       json,
  reason       text not null default '',
  started_at   timestamptz,
  finished_at  timestamptz,
  primary key (tenant, plan_id, id),
  foreign key (tenant, plan_id) references plans on delete cascade
);

-- What the plan has set out to write, by the digest of the exact action: no version of it writes the same twice.
create table plan_writes (
  tenant   text not null,
  plan_id  text not null,
  effect   text not null,
  state    text not null check (state in ('acted', 'failed')),
  output   json,
  reason   text not null default '',
  primary key (tenant, plan_id, effect),
  foreign key (tenant, plan_id) references plans on delete cascade
);

-- Which runs of the journal belong to a plan, and what each has cost.
create table plan_runs (
  tenant   text not null,
  plan_id  text not null,
  run_id   text not null,
  state    text not null,
  cost     double precision not null default 0,
  primary key (tenant, plan_id, run_id),
  foreign key (tenant, plan_id) references plans on delete cascade
);

-- What a person is asked: `digest` is of the exact payload, and `token` wakes the execution that waits.
create table approvals (
  tenant      text not null,
  plan_id     text not null,
  digest      text not null,
  version     int not null,
  steps       text[] not null,
  payload     json not null,
  role        text not null,
  token       text not null default '',
  state       text not null default 'asked' check (state in ('asked', 'approved', 'rejected', 'changed', 'expired')),
  said        text not null default '',
  decided_by  text not null default '',
  asked_at    timestamptz not null default now(),
  expires_at  timestamptz not null,
  decided_at  timestamptz,
  primary key (tenant, plan_id, digest),
  foreign key (tenant, plan_id) references plans on delete cascade
);
create index approvals_asked on approvals (tenant, expires_at) where state = 'asked';

do $$
declare
  one text;
begin
  foreach one in array array['plans', 'plan_versions', 'plan_steps', 'plan_writes', 'plan_runs', 'approvals'] loop
    execute format('grant select, insert, update, delete on %I to agent_flows', one);
    execute format('alter table %I enable row level security', one);
    execute format('alter table %I force row level security', one);
    execute format(
      'create policy tenant on %I using (tenant = nullif(current_setting(''app.tenant'', true), ''''))', one);
  end loop;
end $$;
