-- name: recorded_run
-- A run, with its event as text.
select r.flow, r.state, r.reason, e.body::text as body,
       exists (select from plan_runs as p where p.tenant = r.tenant and p.run_id = r.id) as of_plan
from runs as r join events as e on (e.tenant, e.id) = (r.tenant, r.event_id)
where r.tenant = %(tenant)s and r.id = %(run)s;

-- name: recorded_steps
-- Its steps with all that is recorded of them, in the order in which they began.
select key, name, input_hash, occurrence, input, output, model, input_tokens, output_tokens, cached_tokens, cost, choice,
       started_at, duration_ms, false as left_out
from steps where tenant = %(tenant)s and run_id = %(run)s order by started_at, key;

-- name: recorded_effects
-- Its effects, in the order in which they began.
select key, tool, target, slot, arguments, state, receipt, reason
from effects where tenant = %(tenant)s and run_id = %(run)s order by coalesce(dispatched_at, planned_at), key;

-- name: recorded_ids
-- The runs of a flow, without those of plans, that began within so many hours, the newest first; as many as wanted, spread by the hash of their ids.
select id from (
  select id, started_at from runs as r
  where tenant = %(tenant)s and flow = %(flow)s and state = 'done' and started_at > now() - make_interval(hours => %(hours)s)
    and not exists (select from plan_runs as p where p.tenant = r.tenant and p.run_id = r.id)
  order by md5(id) limit %(sample)s
) as chosen order by started_at desc;
