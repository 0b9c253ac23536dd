-- The journal: events, runs, steps and effects.
-- Functions act as the role agent_flows. It owns nothing, so row level security binds it to one tenant at a time.
-- Bodies are json, not jsonb: people's text may hold \u0000, which jsonb refuses.

do $$
begin
  if not exists (select from pg_roles where rolname = 'agent_flows') then
    create role agent_flows nologin;
  end if;
exception when duplicate_object or unique_violation then null; -- another database of this server made it just now
end $$;
grant agent_flows to current_user;
grant usage on schema public to agent_flows;

create table events (
  tenant       text not null,
  id           text not null,
  type         text not null,
  conversation text not null,
  body         json not null,
  recorded_at  timestamptz not null default now(),
  primary key (tenant, id)
);

create table runs (
  tenant       text not null,
  id           text not null,
  event_id     text not null,
  flow         text not null,
  state        text not null check (state in ('running', 'retrying', 'done', 'failed', 'waiting')),
  attempts     int not null default 1,
  lease_owner  text,
  lease_until  timestamptz,
  reason       text not null default '',
  started_at   timestamptz not null default now(),
  finished_at  timestamptz,
  primary key (tenant, id),
  foreign key (tenant, event_id) references events on delete cascade
);
create index runs_by_start on runs (started_at desc);
create index runs_by_event on runs (tenant, event_id);

create table steps (
  tenant         text not null,
  run_id         text not null,
  key            text not null,
  seq            bigint generated always as identity,
  name           text not null,
  input_hash     text not null,
  occurrence     int not null,
  attempt        int not null,
  input          json not null,
  output         json not null,
  model          text not null default '',
  input_tokens   int not null default 0,
  output_tokens  int not null default 0,
  cached_tokens  int not null default 0,
  cost           double precision,
  started_at     timestamptz not null,
  duration_ms    double precision not null,
  primary key (tenant, run_id, key),
  foreign key (tenant, run_id) references runs on delete cascade
);

create table effects (
  tenant         text not null,
  key            text not null,
  run_id         text not null,
  flow           text not null,
  tool           text not null,
  target         text not null,
  slot           text not null,
  arguments      json not null,
  state          text not null check (state in ('planned', 'dispatched', 'committed', 'failed', 'unknown')),
  attempts       int not null default 0,
  receipt        json,
  reason         text not null default '',
  planned_at     timestamptz not null default now(),
  dispatched_at  timestamptz,
  settled_at     timestamptz,
  primary key (tenant, key),
  foreign key (tenant, run_id) references runs on delete cascade
);
create index effects_by_run on effects (tenant, run_id);
create index effects_by_target on effects (tenant, flow, tool, target, settled_at desc) where state = 'committed';

grant select, insert, update, delete on events, runs, steps, effects to agent_flows;

alter table events enable row level security;
alter table runs enable row level security;
alter table steps enable row level security;
alter table effects enable row level security;
create policy tenant on events using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy tenant on runs using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy tenant on steps using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy tenant on effects using (tenant = nullif(current_setting('app.tenant', true), ''));

-- Aborts the transaction of a function that lost its lease, so that nothing of it is written.
create function hold_lease(of_tenant text, of_run text, of_owner text) returns void language plpgsql as $$
begin
  perform from runs
    where tenant = of_tenant and id = of_run and lease_owner = of_owner and state = 'running' for share;
  if not found then
    raise exception 'run % is held by another function', of_run using errcode = 'AF001';
  end if;
end $$;

-- Deletes events of every tenant that are older than that, with their runs, steps and effects, and counts them.
-- It runs as its owner: no tenant's function could do it.
create function expire_events(older_than interval) returns bigint
language sql security definer set search_path = public as $$
  with gone as (delete from events where recorded_at < now() - older_than returning 1)
  select count(*) from gone
$$;
revoke execute on function expire_events from public;
grant execute on function expire_events to agent_flows;
create index events_by_time on events (recorded_at);
