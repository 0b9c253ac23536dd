-- name: examples
-- The newest choices of a name in runs that have ended, the oldest first, each with what its run cost and how long it
-- took, and what was said of it. The runs of a plan are one, which ends with the plan. A place is `github:owner/repo` or
-- `slack:T1:C1`.
with made as (
  select s.run_id, s.occurrence, s.key, s.choice, s.started_at, r.started_at as began, r.finished_at as ended,
         e.conversation, p.id as plan, p.state as plan_ended
  from steps as s
  join runs as r on r.tenant = s.tenant and r.id = s.run_id
  join events as e on e.tenant = r.tenant and e.id = r.event_id
  left join plan_runs as q on q.tenant = r.tenant and q.run_id = r.id
  left join plans as p on p.tenant = q.tenant and p.id = q.plan_id
  where s.tenant = %(tenant)s and s.name = 'choice' and s.choice ->> 'name' = %(choice)s
    and r.flow = %(flow)s and r.state in ('done', 'failed')
    and (p.id is null or p.state in ('done', 'failed', 'cancelled'))
    and (%(until)s::float8 is null or coalesce(p.finished_at, r.finished_at) <= to_timestamp(%(until)s))
  order by s.started_at desc, s.run_id, s.key
  limit %(most)s
)
select coalesce(made.plan, made.run_id) as run, coalesce(made.plan_ended, '') as ended, extract(epoch from made.started_at)::float8 as at, made.choice,
       split_part(made.conversation, '#', 1) as repository,
       case when made.plan is null
         then (select coalesce(sum(cost), 0)::float8 from steps
               where steps.tenant = %(tenant)s and steps.run_id = made.run_id)
         else (select coalesce(sum(cost), 0)::float8 from plan_runs
               where plan_runs.tenant = %(tenant)s and plan_runs.plan_id = made.plan) end as cost,
       case when made.plan is null then extract(epoch from made.ended - made.began)
         else (select coalesce(sum(plan_runs.seconds), 0) from plan_runs
               where plan_runs.tenant = %(tenant)s and plan_runs.plan_id = made.plan) end::float8 as seconds,
       (select json_agg(json_build_array(kind, value, weight, coalesce(actor, ''), extract(epoch from signals.at)::float8)
                        order by signals.at, signals.key)
        from signals where signals.tenant = %(tenant)s and signals.run_id in (
          select made.run_id union select made.plan
          union select o.run_id from plan_runs as o where o.tenant = %(tenant)s and o.plan_id = made.plan)) as signals
from made order by made.started_at, made.run_id, made.occurrence;

-- name: choices
-- The choices that runs recorded, with how often.
select r.flow, s.choice ->> 'name' as choice, count(*)::int as made
from steps as s join runs as r on r.tenant = s.tenant and r.id = s.run_id
where s.tenant = %(tenant)s and s.name = 'choice'
group by 1, 2 order by 1, 2;
