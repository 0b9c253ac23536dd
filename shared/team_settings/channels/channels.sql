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
