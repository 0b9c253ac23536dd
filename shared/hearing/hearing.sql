-- name: begun
-- Which of these runs there are already: what they hear is not taken from them.
select id from runs where tenant = %(tenant)s and id = any (%(runs)s);

-- name: take
-- End the run of a message as it begins, because this run answers it.
insert into stops (tenant, event_id, flow, conversation, actor, run_id, state, reason, received_at)
select %(tenant)s, %(event)s, %(flow)s, place, '', id, 'superseded', %(reason)s, 'infinity'
from unnest(%(runs)s::text[], %(conversations)s::text[]) as later (id, place)
on conflict do nothing;
