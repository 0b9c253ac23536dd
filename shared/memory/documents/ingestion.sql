-- name: read_source
-- Where the memory of a source stands, and whether somebody asked to forget it for good.
select coalesce(s.audience, '') as audience, coalesce(s.includes, '{}') as includes, coalesce(s.head, '') as head,
       s.source is not null as known,
       is_blocked(%(tenant)s, '', '', '', %(source)s, %(audience)s) as blocked
from (select 1) as one
left join memory_sources as s on s.tenant = %(tenant)s and s.source = %(source)s;

-- name: read_files
-- What was taken of these paths; of all when there are none.
select path, hash, passages from memory_files
where tenant = %(tenant)s and source = %(source)s and kind = %(kind)s
  and (%(paths)s::text[] is null or path = any(%(paths)s::text[]));

-- name: keep_source
-- Begin with a source, and let all that came from it follow its audience.
with moved as (
  update memories set audience = %(audience)s
  where tenant = %(tenant)s and source = %(source)s and kind in ('document', 'issue') and audience <> %(audience)s
)
insert into memory_sources (tenant, source, audience, includes)
values (%(tenant)s, %(source)s, %(audience)s, %(includes)s)
on conflict (tenant, source) do update set audience = excluded.audience, includes = excluded.includes;

-- name: reach
-- The source is taken up to this commit.
update memory_sources set head = %(head)s, taken_at = now() where tenant = %(tenant)s and source = %(source)s;

-- name: move_passages
-- A renamed document takes its passages along, with their vectors.
update memories as m set ref = moved.after
from unnest(%(before)s::text[], %(after)s::text[]) as moved(before, after)
where m.tenant = %(tenant)s and m.flow = '' and m.kind = %(kind)s and m.ref = moved.before and m.valid_until is null
  and not exists (
    select from memories as there
    where there.tenant = %(tenant)s and there.flow = '' and there.kind = %(kind)s and there.ref = moved.after
      and there.valid_until is null);

-- name: drop_passages
-- What a document no longer says is gone, with its history.
delete from memories
where tenant = %(tenant)s and flow = '' and kind = %(kind)s and source = %(source)s and ref = any(%(refs)s::text[]);

-- name: readdress
-- What a document still says may stand elsewhere in it.
update memories as m set url = stands.url
from unnest(%(refs)s::text[], %(urls)s::text[]) as stands(ref, url)
where m.tenant = %(tenant)s and m.flow = '' and m.kind = %(kind)s and m.ref = stands.ref and m.valid_until is null
  and m.url <> stands.url;

-- name: keep_file
-- This document is taken.
insert into memory_files (tenant, source, kind, path, hash, passages)
values (%(tenant)s, %(source)s, %(kind)s, %(path)s, %(hash)s, %(passages)s)
on conflict (tenant, source, kind, path) do update
set hash = excluded.hash, passages = excluded.passages, taken_at = now();

-- name: drop_files
-- These documents are gone.
delete from memory_files
where tenant = %(tenant)s and source = %(source)s and kind = %(kind)s and path = any(%(paths)s::text[]);
