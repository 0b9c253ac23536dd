-- name: plans
-- The newest plans.
select p.id, p.goal, p.state, p.reason, p.version, p.created_at, p.finished_at, e.conversation, coalesce(e.actor, '') as actor,
       (select count(*) from approvals as a where (a.tenant, a.plan_id) = (p.tenant, p.id) and a.state = 'asked') as asked
from plans as p join events as e on (e.tenant, e.id) = (p.tenant, p.event_id)
where p.tenant = %(tenant)s and (%(everywhere)s or e.audience = any (%(audiences)s::text[]))
order by p.created_at desc limit %(limit)s;

-- name: plan
-- One plan.
select p.id, p.goal, p.state, p.reason, p.version, p.created_at, p.finished_at, p.cancelled_by, e.conversation, e.audience
from plans as p join events as e on (e.tenant, e.id) = (p.tenant, p.event_id)
where p.tenant = %(tenant)s and p.id = %(plan)s and (%(everywhere)s or e.audience = any (%(audiences)s::text[]));

-- name: steps
-- Its steps.
select id, version, position, step::text as step, state, attempts, left(output::text, 4000) as output, reason
from plan_steps where tenant = %(tenant)s and plan_id = %(plan)s order by position, id;

-- name: versions
-- Its versions.
select version, steps::text as steps, fault, checked, created_at from plan_versions
where tenant = %(tenant)s and plan_id = %(plan)s order by version;

-- name: approvals
-- What it asked people.
select digest, steps, payload::text as payload, state, said, decided_by, asked_at, expires_at, expires_at < now() as expired
from approvals where tenant = %(tenant)s and plan_id = %(plan)s order by asked_at, digest;

-- name: record
-- Who changed something.
insert into memory_audit (tenant, actor, action, event_id, counts)
values (%(tenant)s, %(actor)s, %(action)s, %(event)s, '{"plans": 1}');
