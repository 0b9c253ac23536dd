-- Every run ends. Functions count the attempts that failed; SQS counts every receive. `due_at` is when the queue delivers
-- the run again at the latest, and null for what no queue delivers: runs of plans and of batches, and what has ended.
-- What is not delivered then was lost, and is sent again (`swept_at`). `gave_up` marks dead letters.
alter table runs
  add column failures int not null default 0,
  add column pauses   int not null default 0,
  add column due_at   timestamptz,
  add column swept_at timestamptz,
  add column gave_up  boolean not null default false;
create index runs_by_due on runs (due_at) where due_at is not null;
create index runs_open on runs (tenant, event_id) where state in ('running', 'retrying') and due_at is null;
create index runs_dead on runs (finished_at desc) where gave_up;

-- What stood still before these columns were there. Runs of plans have a slash in the id of their event.
update runs set due_at = now() where state in ('running', 'retrying') and event_id not like '%/%';

grant update (state, reason, lease_owner, lease_until, due_at, swept_at, gave_up, finished_at) on runs to agent_flows_definer;
grant select on plans to agent_flows_definer;

-- The runs that no queue has delivered in time, with their events: each once an hour.
create function runs_left(grace interval, at_most int)
returns table (tenant text, run_id text, attempts int, event text)
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  with lost as (
    select r.tenant, r.id from runs r
    where r.due_at < now() - grace and coalesce(r.swept_at < now() - interval '1 hour', true)
    order by r.due_at limit at_most for update skip locked)
  update runs r set swept_at = now() from lost, events e
  where (r.tenant, r.id) = (lost.tenant, lost.id) and (e.tenant, e.id) = (r.tenant, r.event_id)
  returning r.tenant, r.id, r.attempts, e.body::text
$$;

-- Ends the runs that nobody can go on with: nothing took them up for so long, or their plan is over without them.
create function close_lost_runs(patience interval) returns table (tenant text, run_id text, flow text)
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  update runs r
  set state = 'failed', gave_up = true, lease_owner = null, lease_until = null, due_at = null, finished_at = now(),
      reason = 'no function took the run up again; is its flow deployed?'
  where r.due_at < now() - patience and r.swept_at > r.due_at
  returning r.tenant, r.id, r.flow
$$;

create function close_runs_of_ended_plans() returns bigint
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  with closed as (
    update runs r
    set state = 'failed', lease_owner = null, lease_until = null, finished_at = now(),
        reason = case when r.reason = '' then 'its function died, and the plan ended without it' else r.reason end
    from plans p
    where r.due_at is null and r.state in ('running', 'retrying') and coalesce(r.lease_until < now(), true)
      and p.tenant = r.tenant and p.finished_at < now() - interval '10 minutes'
      and starts_with(r.event_id, p.event_id || '/')
    returning 1)
  select count(*) from closed
$$;

-- A run that its queue tries again hour by hour needs no second message for its batch.
create or replace function runs_to_wake(at_most int)
returns table (tenant text, run_id text, attempts int, event text)
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  select runs.tenant, runs.id, runs.attempts, events.body::text
  from runs join events on (events.tenant, events.id) = (runs.tenant, runs.event_id)
  where runs.state = 'parked' and runs.due_at is null and (
    select bool_and(r.state in ('done', 'failed'))
           and bool_or(r.woken_at is null or r.woken_at < now() - interval '1 hour')
    from batch_requests r where (r.tenant, r.run_id) = (runs.tenant, runs.id))
  order by runs.started_at limit at_most
$$;

grant create on schema public to agent_flows_definer;
do $$
declare
  one regprocedure;
begin
  foreach one in array array[
    'runs_left(interval, int)', 'close_lost_runs(interval)', 'close_runs_of_ended_plans()', 'runs_to_wake(int)'
  ]::regprocedure[] loop
    execute format('revoke execute on function %s from public, agent_flows', one);
    execute format('grant execute on function %s to agent_flows_operator', one);
    execute format('alter function %s owner to agent_flows_definer', one);
  end loop;
end $$;
revoke create on schema public from agent_flows_definer;
