-- name: read
-- What people set for a channel: by key the value, who set it, and when.
select key, value, changed_by, extract(epoch from changed_at)::float8 as changed_at
from channel_settings where tenant = %(tenant)s and place = %(place)s;

-- name: change
-- Set keys of a channel; what somebody set later stays.
insert into channel_settings (tenant, place, key, value, changed_by, changed_at, event_id)
select %(tenant)s, %(place)s, said.key, said.value, %(actor)s, to_timestamp(%(at)s), %(event)s
from json_each(%(changes)s::json) as said
on conflict (tenant, place, key) do update
set value = excluded.value, changed_by = excluded.changed_by, changed_at = excluded.changed_at,
    event_id = excluded.event_id
where channel_settings.changed_at <= excluded.changed_at;

-- name: reset
-- Let a channel be as if nobody had set anything, but what was set later.
delete from channel_settings
where tenant = %(tenant)s and place = %(place)s and changed_at <= to_timestamp(%(at)s);

-- name: counts
-- How many drafts of a channel were sent, edited and dropped, and how many wait or expired.
select count(*) filter (where outcome = 'sent') as sent, count(*) filter (where outcome = 'edited') as edited,
       count(*) filter (where outcome = 'dropped') as dropped, count(*) filter (where outcome = '') as undecided
from answer_drafts where tenant = %(tenant)s and starts_with(conversation, %(place)s || ':');
