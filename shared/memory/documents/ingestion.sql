-- name: read_source
-- Read how far a source was taken, and if somebody asked to forget it for good.
select coalesce(s.audience, '') as audience, coalesce(s.includes, '{}') as includes, coalesce(s.head, '') as head,
       s.source is not null as known,
       is_blocked(%(tenant)s, '', '', '', %(source)s, %(audience)s) as blocked
from (select 1) as one
left join memory_sources as s on s.tenant = %(tenant)s and s.source = %(source)s;

-- name: read_files
-- Read what was taken of these paths, or of all paths if there are none.
select path, hash, passages from memory_files
where tenant = %(tenant)s and source = %(source)s and kind = %(kind)s
  and (%(paths)s::text[] is null or path = any(%(paths)s::text[]));

-- name: keep_source
-- Begin with a source, and give all that came from it the source's audience.
with moved as (
  update memories set audience = %(audience)s
  where tenant = %(tenant)s and source = %(source)s and kind in ('document', 'issue', 'comment') and audience <> %(audience)s
)
insert into memory_sources (tenant, source, audience, includes)
values (%(tenant)s, %(source)s, %(audience)s, %(includes)s)
on conflict (tenant, source) do update set audience = excluded.audience, includes = excluded.includes;

-- name: finish
-- Record that the source is taken up to this commit, and the number of its repository.
with named as (
  insert into repository_names (tenant, place, number) select %(tenant)s, %(source)s, %(number)s where %(number)s > 0
  on conflict (tenant, place) do update set number = excluded.number where repository_names.number <> excluded.number
)
update memory_sources set head = %(head)s, taken_at = now() where tenant = %(tenant)s and source = %(source)s;

-- name: move_passages
-- Move the passages of a renamed document, with their vectors, unless somebody asked to forget what is at the new place.
update memories as m set ref = moved.after
from unnest(%(before)s::text[], %(after)s::text[]) as moved(before, after)
where m.tenant = %(tenant)s and m.flow = '' and m.kind = %(kind)s and m.ref = moved.before and m.valid_until is null
  and not is_blocked(%(tenant)s, m.digest, moved.after, m.author, m.source, m.audience)
  and not exists (
    select from memories as there
    where there.tenant = %(tenant)s and there.flow = '' and there.kind = %(kind)s and there.ref = moved.after
      and there.valid_until is null);

-- name: drop_passages
-- Delete the passages that a document no longer has, with their history.
delete from memories
where tenant = %(tenant)s and flow = '' and kind = %(kind)s and source = %(source)s and ref = any(%(refs)s::text[]);

-- name: readdress
-- Update the addresses of unchanged passages, which may have moved within their document.
update memories as m set url = stands.url
from unnest(%(refs)s::text[], %(urls)s::text[]) as stands(ref, url)
where m.tenant = %(tenant)s and m.flow = '' and m.kind = %(kind)s and m.ref = stands.ref and m.valid_until is null
  and m.url <> stands.url;

-- name: keep_file
-- Record that this document is taken.
insert into memory_files (tenant, source, kind, path, hash, passages)
values (%(tenant)s, %(source)s, %(kind)s, %(path)s, %(hash)s, %(passages)s)
on conflict (tenant, source, kind, path) do update
set hash = excluded.hash, passages = excluded.passages, taken_at = now();

-- name: drop_files
-- Forget these documents.
delete from memory_files
where tenant = %(tenant)s and source = %(source)s and kind = %(kind)s and path = any(%(paths)s::text[]);
