-- name: remember
-- Keep a text under its subject, unless it is blocked; the same subject again is replaced in place.
with kept as (
  insert into memories (tenant, flow, kind, ref, text, digest, url, audience, author, source, trust, event_id)
  select %(tenant)s, %(flow)s, %(kind)s, %(ref)s, %(text)s, %(digest)s, %(url)s, %(audience)s, %(author)s,
         %(source)s, %(trust)s, %(event)s
  where not exists (
    select from memory_blocks where tenant = %(tenant)s and value <> '' and (by, value) in (
      ('digest', %(digest)s), ('ref', %(ref)s), ('author', %(author)s), ('source', %(source)s)))
  on conflict (tenant, flow, kind, ref) where valid_until is null do update
  set text = excluded.text, digest = excluded.digest, url = excluded.url, audience = excluded.audience,
      author = excluded.author, source = excluded.source, trust = excluded.trust, event_id = excluded.event_id,
      remembered_at = now(),
      valid_from = case when memories.digest = excluded.digest then memories.valid_from else now() end
  returning id
)
insert into memory_vectors (tenant, memory, embedder, dimensions, embedding)
select %(tenant)s, id, %(embedder)s, %(dimensions)s, %(embedding)s::halfvec from kept
where %(embedding)s::text is not null
on conflict (tenant, memory, embedder) do update
set dimensions = excluded.dimensions, embedding = excluded.embedding;

-- name: prepare_recall
-- For this transaction: an index scan goes on until enough rows pass the filter, however few of its tenant there are.
select set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.ef_search', %(breadth)s, true);

-- name: recall
-- The nearest memories. Up to `exact_rows` candidates are all compared; above that the index of DIMENSIONS (a type's
-- length cannot be a parameter) is scanned, in nearly the right order. `+ 0` keeps that index out of the exact search.
with visible as not materialized (
  select * from memory_vectors
  where tenant = %(tenant)s and valid_until is null and flow in ('', %(flow)s)
    and embedder = %(embedder)s and dimensions = DIMENSIONS
    and audience = any(%(audiences)s::text[])
    and (cardinality(%(kinds)s::text[]) = 0 or kind = any(%(kinds)s::text[]))
),
excluded as materialized (
  select id from memories where tenant = %(tenant)s and ref = %(exclude_ref)s
),
few as materialized (
  select count(*) <= %(exact_rows)s as are from (select from visible limit %(exact_rows)s + 1) as bounded
),
nearest as (
  (select memory, (embedding::halfvec(DIMENSIONS) <=> %(embedding)s) + 0 as distance
   from visible
   where (select are from few) and memory not in (select id from excluded)
   order by distance
   limit %(limit)s)
  union all
  (select memory, embedding::halfvec(DIMENSIONS) <=> %(embedding)s
   from visible
   where not (select are from few) and memory not in (select id from excluded)
   order by embedding::halfvec(DIMENSIONS) <=> %(embedding)s
   limit %(limit)s)
)
select id::text, kind, ref, text, url, 1 - distance as score, remembered_at, author, trust, audience
from nearest join memories on tenant = %(tenant)s and id = memory
order by distance, id;
