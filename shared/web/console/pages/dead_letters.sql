-- name: letters
-- The runs that were given up, the newest first, as far as the reader may see them; no piece of a plan can start again
-- by itself.
select r.id, r.flow, r.attempts, r.reason, r.finished_at, e.type, e.conversation,
       strpos(r.event_id, '/') > 0
         and exists (select from plans as p where p.tenant = r.tenant and starts_with(r.event_id, p.event_id || '/')) as is_piece
from runs as r join events as e on (e.tenant, e.id) = (r.tenant, r.event_id)
where r.tenant = %(tenant)s and r.gave_up and (%(everywhere)s or e.audience = any (%(audiences)s::text[]))
order by r.finished_at desc, r.id limit %(limit)s;

-- name: reopen
-- Let a run that was given up start again at the next sweep, or all of them.
with again as (
  update runs as r
  set state = 'retrying', reason = '', gave_up = false, failures = 0, pauses = 0, finished_at = null,
      due_at = now() - interval '1 hour', swept_at = null
  where r.tenant = %(tenant)s and r.gave_up and (%(run)s = '' or r.id = %(run)s)
    and not exists (select from plans as p where p.tenant = r.tenant and starts_with(r.event_id, p.event_id || '/'))
  returning r.id
)
insert into memory_audit (tenant, actor, action, event_id, counts)
select %(tenant)s, %(actor)s, 'redrive', %(run)s, json_build_object('runs', count(*)) from again having count(*) > 0
returning (counts ->> 'runs')::int as runs;
