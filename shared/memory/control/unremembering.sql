-- name: remembered
-- The memories that the runs of an event, and of the pieces of its plan, were the first to keep.
select m.id::text from memories as m
join runs as r on (r.tenant, r.event_id) = (m.tenant, m.event_id)
where m.tenant = %(tenant)s and m.flow in ('', r.flow) and m.valid_from >= r.started_at
  and r.flow = %(of)s and starts_with(r.event_id || '/', %(root)s || '/')
  and exists (
    select from steps as s where (s.tenant, s.run_id) = (r.tenant, r.id) and s.name = 'remember'
      and s.input ->> 'kind' = m.kind);

-- name: delete
-- Forget these memories.
delete from memories where tenant = %(tenant)s and id = any (%(ids)s::uuid[]);
