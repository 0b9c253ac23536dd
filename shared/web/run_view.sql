-- name: read_run
-- A run, what it has cost, and whether it began a plan, with the plan's own times.
select r.flow, r.state, r.reason, r.attempts, p.id is not null as plans,
       extract(epoch from r.started_at)::float8 as started_at,
       extract(epoch from case when p.id is null then r.finished_at else p.finished_at end)::float8 as finished_at,
       s.cost, s.unpriced
from runs r left join plans p on (p.tenant, p.id) = (r.tenant, r.id)
cross join lateral (
  select coalesce(sum(cost), 0)::float8 as cost, coalesce(bool_or(model <> '' and cost is null), false) as unpriced
  from steps where tenant = r.tenant and run_id = r.id
) as s
where r.tenant = %(tenant)s and r.id = %(run)s;

-- name: read_steps
-- What the run has recorded, in order.
select name, model, cost, duration_ms from steps where tenant = %(tenant)s and run_id = %(run)s order by seq;

-- name: read_costs
-- What the runs of a plan have cost; the event of each ends in the state and the step.
select r.event_id, c.cost, c.unpriced from plan_runs c join runs r on (r.tenant, r.id) = (c.tenant, c.run_id)
where c.tenant = %(tenant)s and c.plan_id = %(run)s;
