-- name: failed
-- The run of this name that failed, with its event.
select r.flow, e.body::text as event from runs as r join events as e on (e.tenant, e.id) = (r.tenant, r.event_id)
where r.tenant = %(tenant)s and r.id = %(named)s and r.state = 'failed';

-- name: known
-- Whether the event came again already.
select id from events where tenant = %(tenant)s and id = %(again)s;
