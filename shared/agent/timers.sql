-- name: set_timers
-- The timers that the flow set in a conversation and that have not come yet; one that is just due may be on its way.
select e.receipt ->> 'id' as id, e.arguments ->> 'event' as event, (e.arguments ->> 'at')::float8 as at,
       e.arguments -> 'payload' as payload
from effects as e
where e.tenant = %(tenant)s and e.flow = %(flow)s and e.tool = 'SetTimer' and e.target = %(conversation)s
  and e.state = 'committed' and (e.arguments ->> 'at')::float8 > extract(epoch from now() - interval '2 minutes')
  and not exists (select from runs as r where r.tenant = e.tenant and r.event_id = 'timer:' || (e.receipt ->> 'id'));

-- name: set_timer
-- One timer that the flow set in a conversation.
select e.arguments ->> 'event' as event, (e.arguments ->> 'at')::float8 as at, e.arguments -> 'payload' as payload
from effects as e
where e.tenant = %(tenant)s and e.flow = %(flow)s and e.tool = 'SetTimer' and e.target = %(conversation)s
  and e.state = 'committed' and e.receipt ->> 'id' = %(timer)s;

-- name: end_timer
-- End the run of a timer that has not begun, so that it never begins.
insert into runs (tenant, id, event_id, flow, state, reason, finished_at)
values (%(tenant)s, %(of)s, %(event)s, %(flow)s, 'cancelled', 'Its timer was cancelled.', now())
on conflict do nothing;

-- name: is_cancelled
-- Whether that run was ended before it began.
select state = 'cancelled' and reason = 'Its timer was cancelled.' as cancelled from runs
where tenant = %(tenant)s and id = %(of)s;
