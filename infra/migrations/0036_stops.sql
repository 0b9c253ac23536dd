-- Stops: what a person stopped, and what a newer event superseded. A stop marks the runs that are open, and whoever
-- begins a run looks for stops that came after its event.

alter table runs drop constraint runs_state_check;
alter table runs add constraint runs_state_check
  check (state in ('running', 'retrying', 'parked', 'done', 'failed', 'waiting', 'cancelled', 'superseded'));
-- `stop` is the event that stopped the run. Some runs go on whatever happens, such as the report of a plan.
alter table runs add column stop text not null default '', add column stoppable boolean not null default true;
create index runs_stoppable on runs (tenant) where state in ('running', 'retrying', 'parked');

-- A parked run that is stopped needs no answer any more.
grant update (state, reason, settled_at) on batch_requests to agent_flows;

-- Which events a stop is about: all that came before it in a conversation; with an `actor` those that they caused in a
-- whole place, and with a `run_id` that run. It is of one `flow`, or of all. `reason` says who stopped them, or what took
-- their place.
create table stops (
  tenant        text not null,
  event_id      text not null,
  flow          text not null default '',
  conversation  text not null default '',
  actor         text not null default '',
  run_id        text not null default '',
  state         text not null check (state in ('cancelled', 'superseded')),
  reason        text not null,
  received_at   double precision not null,
  primary key (tenant, event_id, flow),
  foreign key (tenant, event_id) references events on delete cascade
);
create index stops_by_conversation on stops (tenant, conversation, received_at);
grant select, insert on stops to agent_flows;
alter table stops enable row level security;
alter table stops force row level security;
create policy tenant on stops using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on stops to agent_flows_definer using (true);

-- The locks of stops: who begins a run shares them, and who stops holds one alone. So no run begins unseen beside a stop.
create function share_stops(of_tenant text, place text, of_run text) returns void language sql as $$
  select pg_advisory_xact_lock_shared(hashtextextended(concat_ws(' ', 'stops', of_tenant, name), 0))
  from unnest(array[place, of_run]) as name
$$;
create function hold_stops(of_tenant text, name text) returns void language sql as $$
  select pg_advisory_xact_lock(hashtextextended(concat_ws(' ', 'stops', of_tenant, name), 0))
$$;

-- Whether an event came before a stop. Of two events at one moment only one takes the place of the other.
create function is_before(event_id text, since double precision, stop_id text, at double precision, state text)
returns boolean language sql immutable as $$
  select since < at or since = at and event_id <> stop_id and (state = 'cancelled' or event_id < stop_id)
$$;

-- The first stop after an event was received, if there is one.
create function stop_of(
  of_tenant text, of_run text, of_event text, of_flow text, of_conversation text, place text, of_actor text,
  since double precision
) returns setof stops language sql stable as $$
  select s.* from stops as s
  where s.tenant = of_tenant and s.flow in ('', of_flow)
    and is_before(of_event, since, s.event_id, s.received_at, s.state)
    and s.conversation in (of_conversation, place, '')
    and case when s.run_id <> '' then s.run_id = of_run
             when s.actor <> '' then s.actor = of_actor
             else s.conversation = of_conversation end
  order by s.received_at limit 1
$$;

-- Whether a stop is about an event: one of the conversation, or with an actor one that they caused in the whole place.
-- Without a conversation it is.
create function is_within(event_conversation text, body json, conversation text, actor text) returns boolean
language sql immutable as $$
  select conversation = '' or event_conversation = conversation
    or actor <> '' and starts_with(event_conversation, conversation || ':') and body -> 'actor' ->> 0 = actor
$$;

-- Aborts the transaction of a function that lost its lease. A run that was stopped aborts it too if it `starts`
-- something; else the answer is the stop, so that what has happened is written and nothing starts after it.
drop function hold_lease(text, text, text);
create function hold_lease(of_tenant text, of_run text, of_owner text, starts boolean default true) returns json
language plpgsql as $$
declare
  run runs;
  stopped json;
begin
  select * into run from runs
    where tenant = of_tenant and id = of_run and lease_owner = of_owner and state = 'running' for share;
  if not found then
    raise exception 'run % is held by another function', of_run using errcode = 'AF001';
  end if;
  if run.stop <> '' then
    select json_build_object('state', s.state, 'reason', s.reason) into stopped from stops as s
      where s.tenant = of_tenant and s.event_id = run.stop and s.flow in ('', run.flow) limit 1;
    if starts then
      raise exception 'run % was stopped', of_run using errcode = 'AF003', detail = stopped::text;
    end if;
  end if;
  return stopped;
end $$;
