-- name: free
-- Nobody holds a run any more, and none waits: what was to be tried later is tried now.
update runs
set state = case when state = 'running' then 'retrying' else state end, lease_owner = null, lease_until = null,
    due_at = case when due_at is not null then now() end
where state = 'running' or due_at > now();

-- name: free_calls
-- Nobody waits for the answers that functions who are dead had asked for.
update prompt_cache set owner = null, expires_at = now() where reply is null and owner is not null;

-- name: dead_letters
-- The runs that were given up, the newest first.
select r.id, r.flow, e.type as event, e.conversation, r.attempts, r.reason, r.finished_at
from runs r join events e on (e.tenant, e.id) = (r.tenant, r.event_id)
where r.gave_up and (%(flow)s = '' or r.flow = %(flow)s)
order by r.finished_at desc limit %(limit)s;

-- name: reopen
-- Let the dead letters of a flow, or one run that has failed or waits for a person, start again at the next sweep; but
-- no piece of a plan: only its plan goes on with that, and the flow would take its event for a new request.
update runs
set state = 'retrying', reason = '', gave_up = false, failures = 0, pauses = 0, finished_at = null,
    due_at = now() - interval '1 hour', swept_at = null
where (gave_up and flow = %(what)s
       or state in ('failed', 'waiting') and length(%(what)s) >= 6 and starts_with(id, %(what)s))
  and not exists (select from plans p where p.tenant = runs.tenant and starts_with(runs.event_id, p.event_id || '/'))
returning id;
