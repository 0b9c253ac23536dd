-- name: runs
-- The runs of a conversation, with what went wrong.
select r.flow, r.state, r.attempts, coalesce(r.reason, '') as reason
from runs r join events e on e.tenant = r.tenant and e.id = r.event_id
where e.conversation = %(conversation)s order by r.started_at;
