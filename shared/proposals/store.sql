-- name: propose
-- Keep what is proposed; the same a second time changes nothing.
insert into proposals (tenant, id, event_id, run_id, digest, payload, expires_at)
values (%(tenant)s, %(proposal)s, %(event)s, %(run)s, %(digest)s, %(payload)s, now() + make_interval(secs => %(seconds)s))
on conflict do nothing;

-- name: made
-- What a run has proposed, in order.
select id, digest, payload, state, decided_by, decided_in, extract(epoch from expires_at)::float8 as expires_at,
       false as expired, null::json as shown, '' as asker
from proposals where tenant = %(tenant)s and run_id = %(run)s order by asked_at, id;

-- name: approved
-- A proposal that a person said yes to.
select id, digest, payload, state, decided_by, decided_in, extract(epoch from expires_at)::float8 as expires_at,
       false as expired, null::json as shown, '' as asker
from proposals where tenant = %(tenant)s and id = %(proposal)s and state = 'approved';

-- name: open
-- What waits for an answer in a conversation, the newest first, and where it was `shown`, as a plan's questions are told.
select p.id as plan_id, p.digest, '{}'::text[] as steps, f.receipt as shown, '{}'::text[] as changers,
       (e.body ->> 'source') || ':' || (e.body -> 'actor' ->> 0) as asker
from proposals as p
join events as e on (e.tenant, e.id) = (p.tenant, p.event_id)
left join effects as f on (f.tenant, f.run_id) = (p.tenant, p.run_id) and f.tool = 'Card' and f.state = 'committed'
                          and strpos(f.arguments::text, '"' || p.id || '/' || p.digest || '"') > 0
where p.tenant = %(tenant)s and e.conversation = %(conversation)s and p.state = 'asked' and p.expires_at > now()
order by p.asked_at desc;

-- name: standing
-- How a proposal of a conversation stands, and where it was shown.
select p.id, p.digest, p.payload, p.state, p.decided_by, p.decided_in, p.expires_at <= now() as expired,
       extract(epoch from p.expires_at)::float8 as expires_at, f.receipt as shown,
       (e.body ->> 'source') || ':' || (e.body -> 'actor' ->> 0) as asker
from proposals as p
join events as e on (e.tenant, e.id) = (p.tenant, p.event_id)
left join effects as f on (f.tenant, f.run_id) = (p.tenant, p.run_id) and f.tool = 'Card' and f.state = 'committed'
                          and strpos(f.arguments::text, '"' || p.id || '/' || p.digest || '"') > 0
where p.tenant = %(tenant)s and e.conversation = %(conversation)s and p.id = %(proposal)s and p.digest = %(digest)s;

-- name: decide
-- Decide what is still open, in time; a second decision changes nothing.
update proposals set state = %(state)s, decided_by = %(by)s, decided_in = %(run)s, decided_at = now()
where tenant = %(tenant)s and id = %(proposal)s and digest = %(digest)s and state = 'asked' and expires_at > now();
