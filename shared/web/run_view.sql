-- name: read_run
-- A run, what it has cost, and whether it began a plan, with the plan's own times.
select r.flow, r.state, r.reason, r.attempts, p.id is not null as plans,
       extract(epoch from r.started_at)::float8 as started_at,
       extract(epoch from case when p.id is null then r.finished_at else p.finished_at end)::float8 as finished_at,
       (select coalesce(sum(s.cost), 0) from steps s where s.tenant = r.tenant and s.run_id = r.id)::float8 as cost
from runs r left join plans p on (p.tenant, p.id) = (r.tenant, r.id)
where r.tenant = %(tenant)s and r.id = %(run)s;

-- name: read_steps
-- What the run has recorded, in order.
select name, model, cost, duration_ms from steps where tenant = %(tenant)s and run_id = %(run)s order by seq;

-- name: read_costs
-- What the runs of a plan have cost; the event of each ends in the state and the step.
select r.event_id, c.cost from plan_runs c join runs r on (r.tenant, r.id) = (c.tenant, c.run_id)
where c.tenant = %(tenant)s and c.plan_id = %(run)s;
