-- name: remembered
-- The memories that the runs of an event, and of the pieces of its plan, were the first to keep.
select m.id::text from memories as m
join runs as r on (r.tenant, r.event_id) = (m.tenant, m.event_id)
where m.tenant = %(tenant)s and m.flow in ('', r.flow) and m.valid_from >= r.started_at
  and r.flow = %(of)s and starts_with(r.event_id || '/', %(root)s || '/')
  and exists (
    select from steps as s where (s.tenant, s.run_id) = (r.tenant, r.id) and s.name = 'remember'
      and s.output ->> 'kind' is not distinct from case when s.output ->> 'ref' is null then m.kind end
      and coalesce(s.output ->> 'ref', m.ref) = m.ref);

-- name: detach
-- End what these memories replaced now, so that it does not go with them.
update memories set superseded_by = null, valid_until = now()
where tenant = %(tenant)s and superseded_by = any (%(ids)s::uuid[]) and id <> all (%(ids)s::uuid[]);

-- name: delete
-- Forget these memories.
delete from memories where tenant = %(tenant)s and id = any (%(ids)s::uuid[]);

-- name: restore
-- Let hold again what they replaced, unless something else has its place.
update memories as m set valid_until = null
where tenant = %(tenant)s and valid_until = now() and superseded_by is null and not exists (
  select from memories as there where (there.tenant, there.flow, there.kind, there.ref) = (m.tenant, m.flow, m.kind, m.ref)
    and there.valid_until is null);
