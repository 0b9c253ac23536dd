-- name: know
-- Read the memories that hold now and match, newest first, with the number of all of them.
select m.id::text, m.kind, m.ref, m.text, m.url, m.author, m.source, m.trust, m.event_id as event, m.remembered_at,
       count(*) over () as total
from memories as m
where m.tenant = %(tenant)s and m.valid_until is null
  and (%(everywhere)s or m.audience = any (%(audiences)s::text[]))
  and memory_matches(m, %(by)s, %(names)s::text[], %(patterns)s::text[])
order by m.remembered_at desc, m.id
limit %(limit)s;

-- name: memories
-- Read these memories, superseded ones too, if the audiences may see them.
select m.id::text, m.kind, m.ref, m.text, m.url, m.author, m.source, m.trust, m.event_id as event, m.remembered_at,
       count(*) over () as total
from memories as m
where m.tenant = %(tenant)s and m.id::text = any (%(ids)s::text[])
  and (%(everywhere)s or m.audience = any (%(audiences)s::text[]))
order by m.remembered_at desc, m.id;

-- name: users
-- Read the newest runs that recalled a memory.
select r.id, r.flow, r.started_at
from steps as s join runs as r on (r.tenant, r.id) = (s.tenant, s.run_id)
where s.tenant = %(tenant)s and s.name = 'recall' and position(%(id)s in s.output::text) > 0
order by r.started_at desc limit 5;

-- name: last_answer
-- Read which memories the newest other run of a conversation recalled.
select r.id, r.flow, array(
  select ids[1] from steps as s, regexp_matches(s.output::text, '"id":"([0-9a-f-]{36})"', 'g') as named (ids)
  where (s.tenant, s.run_id) = (r.tenant, r.id) and s.name = 'recall') as memories
from runs as r join events as e on (e.tenant, e.id) = (r.tenant, r.event_id)
where r.tenant = %(tenant)s and r.id <> %(run)s and r.state = 'done' and lies_in(e.conversation, %(conversation)s)
  and exists (select from steps as s where (s.tenant, s.run_id) = (r.tenant, r.id) and s.name = 'recall')
order by r.started_at desc limit 1;

-- name: export
-- Read one page of memories in the order of their ids, superseded ones too.
select m.id::text, m.kind, m.ref, m.text, m.url, m.audience, m.author, m.source, m.trust, m.flow,
       m.event_id as event, m.remembered_at::text, m.valid_from::text, m.valid_until::text,
       m.superseded_by::text, m.uses
from memories as m
where m.tenant = %(tenant)s and m.id > %(after)s::uuid
  and (%(everywhere)s or m.audience = any (%(audiences)s::text[]))
order by m.id limit %(limit)s;

-- name: count
-- Count the memories that an export would hold.
select count(*) as memories from memories
where tenant = %(tenant)s and (%(everywhere)s or audience = any (%(audiences)s::text[]));
