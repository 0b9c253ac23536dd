-- A run is given up when it was sent again and again in vain, however long nothing was sent: a system that was off for
-- days, or a database that was away, is no reason. `sweeps` counts how often it was sent since it was claimed last.
alter table runs add column sweeps int not null default 0;
grant update (sweeps) on runs to agent_flows_definer;

create or replace function runs_left(grace interval, at_most int)
returns table (tenant text, run_id text, attempts int, event text)
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  with lost as (
    select r.tenant, r.id from runs r
    where r.due_at < now() - grace and coalesce(r.swept_at < now() - interval '1 hour', true)
    order by r.due_at limit at_most for update skip locked)
  update runs r set swept_at = now(), sweeps = case when r.swept_at is null then 1 else r.sweeps + 1 end
  from lost, events e
  where (r.tenant, r.id) = (lost.tenant, lost.id) and (e.tenant, e.id) = (r.tenant, r.event_id)
  returning r.tenant, r.id, r.attempts, e.body::text
$$;

-- Ends the runs that nobody can go on with: nothing took them up although they were sent so often.
drop function close_lost_runs(interval);
create function close_lost_runs(times int) returns table (tenant text, run_id text, flow text)
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  update runs r
  set state = 'failed', gave_up = true, lease_owner = null, lease_until = null, due_at = null, finished_at = now(),
      reason = 'no function took the run up again; is its flow deployed?'
  where r.due_at < now() and r.sweeps >= times and r.swept_at between r.due_at and now() - interval '1 hour'
  returning r.tenant, r.id, r.flow
$$;

grant create on schema public to agent_flows_definer;
revoke execute on function close_lost_runs(int) from public, agent_flows;
grant execute on function close_lost_runs(int) to agent_flows_operator;
alter function close_lost_runs(int) owner to agent_flows_definer;
revoke create on schema public from agent_flows_definer;
