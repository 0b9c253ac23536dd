-- name: counts
-- Read the counts of a request.
select counts from memory_audit where tenant = %(tenant)s and id = %(audit)s;

-- name: record
-- Record who read or changed something, in counts.
insert into memory_audit (tenant, id, actor, action, event_id, counts)
values (%(tenant)s, %(audit)s, %(actor)s, %(action)s, %(event)s, %(counts)s)
on conflict do nothing;

-- name: entries
-- Read who read or changed what, newest first.
select at, actor, action, event_id as event, counts from memory_audit
where tenant = %(tenant)s order by at desc limit %(limit)s;
