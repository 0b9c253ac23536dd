-- name: runs
-- The newest runs that a person caused, of those of the tenant that are not long ago.
select r.id, r.flow, r.state, coalesce(e.body ->> 'url', '') as url, e.conversation,
       to_char(r.started_at at time zone 'utc', 'YYYY-MM-DD HH24:MI') as at
from (select * from runs where tenant = %(tenant)s order by started_at desc limit 300) as r
join events as e on (e.tenant, e.id) = (r.tenant, r.event_id)
where r.flow <> %(flow)s and event_actor(e.body) && %(own)s::text[] and starts_with(e.conversation, %(team)s)
order by r.started_at desc limit 40;

-- name: quiet
-- Which of these places are quiet.
select place from quiet_places where tenant = %(tenant)s and place = any (%(places)s::text[]);

-- name: wants
-- What people want of the agent in these places.
select place, key, value, extract(epoch from changed_at)::float8 as changed_at
from channel_settings where tenant = %(tenant)s and place = any (%(places)s::text[]);

-- name: reviews
-- How these repositories wanted reviews when they were looked at last, of the runs that are not long ago.
select distinct on (s.input ->> 'repository') s.input ->> 'repository' as repository,
       s.output -> 'sections' -> 'review' -> 'mode' as mode
from (select * from runs where tenant = %(tenant)s order by started_at desc limit 300) as r
join steps as s on (s.tenant, s.run_id) = (r.tenant, r.id)
where r.flow = 'review' and s.name = 'team settings' and s.input ->> 'repository' = any (%(names)s::text[])
order by s.input ->> 'repository', s.seq desc;
