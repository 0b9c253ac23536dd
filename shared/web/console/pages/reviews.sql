-- name: findings
-- The newest findings of reviews, of one repository or of all, with their life; a viewer sees those of runs that they see.
select f.id, f.repository, f.number, f.head, f.path, f.line, f.severity, f.category, f.claim, f.state, f.reason, f.decided_by,
       f.decided_at, f.found_at, f.run_id, f.comment
from findings as f
where f.tenant = %(tenant)s and (%(repository)s = '' or f.repository = %(repository)s) and (%(state)s = '' or f.state = %(state)s)
  and (%(everywhere)s or (
    select e.audience = any (%(audiences)s::text[])
    from runs as r join events as e on (e.tenant, e.id) = (r.tenant, r.event_id)
    where r.tenant = f.tenant and r.id = f.run_id))
order by f.found_at desc, f.id limit %(limit)s;
