-- Policies that choose among arms for flows. A version is what was learnt at one time and never changes; it holds
-- probabilities and counts, and no person's words. Which version is in force, and which one runs choose by, stands in
-- `policies`; the log says who changed that, and why.

create table policy_versions (
  tenant   text not null,
  flow     text not null,
  choice   text not null,
  number   integer not null check (number > 0),
  kind     text not null check (kind in ('fixed', 'epsilon-greedy', 'thompson', 'q-learning', 'trial')),
  -- How it learns: its arms, the default among them, and its parameters.
  tuning   json not null,
  -- The probability of each arm in each context.
  chances  json not null,
  -- The examples that it was learnt from.
  examples integer not null default 0,
  made_by  text not null default '',
  made_at  timestamptz not null default now(),
  primary key (tenant, flow, choice, number)
);
create table policies (
  tenant    text not null,
  flow      text not null,
  choice    text not null,
  -- The version that was trusted last; one that is on trial beside it; the one that runs choose by, which is a mixture of
  -- both while there is a trial.
  in_force  integer not null,
  candidate integer,
  in_use    integer not null,
  primary key (tenant, flow, choice),
  foreign key (tenant, flow, choice, in_force) references policy_versions,
  foreign key (tenant, flow, choice, candidate) references policy_versions,
  foreign key (tenant, flow, choice, in_use) references policy_versions
);
create table policy_log (
  tenant     text not null,
  flow       text not null,
  choice     text not null,
  id         bigint generated always as identity,
  action     text not null check (action in ('made', 'explored', 'updated', 'promoted', 'held', 'rolled back', 'withdrawn')),
  before     integer,
  after      integer,
  actor      text not null,
  reason     text not null default '',
  -- What was estimated, where that decided.
  evaluation json,
  at         timestamptz not null default now(),
  primary key (tenant, flow, choice, id)
);
grant select, insert, update, delete on policy_versions, policies, policy_log to agent_flows;
do $$
declare
  one text;
begin
  foreach one in array array['policy_versions', 'policies', 'policy_log'] loop
    execute format('alter table %I enable row level security', one);
    execute format('alter table %I force row level security', one);
    execute format('create policy tenant on %I using (tenant = nullif(current_setting(''app.tenant'', true), ''''))', one);
    execute format('create policy all_tenants on %I to agent_flows_definer using (true)', one);
  end loop;
end $$;
