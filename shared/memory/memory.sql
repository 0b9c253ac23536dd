-- name: remember
-- Keep a text under its subject; the same subject again is replaced in place.
insert into memories (tenant, flow, kind, ref, text, words, url, audience, author, source, trust, event_id, embedder,
                      dimensions, embedding)
values (%(tenant)s, %(flow)s, %(kind)s, %(ref)s, %(text)s, to_tsvector('english', %(text)s), %(url)s, %(audience)s,
        %(author)s, %(source)s, %(trust)s, %(event)s, %(embedder)s, %(dimensions)s, %(embedding)s::halfvec)
on conflict (tenant, flow, kind, ref) where valid_until is null do update
set text = excluded.text, words = excluded.words, url = excluded.url, audience = excluded.audience,
    author = excluded.author, source = excluded.source, trust = excluded.trust, event_id = excluded.event_id, embedder = excluded.embedder,
    dimensions = excluded.dimensions, embedding = excluded.embedding, remembered_at = now();

-- name: prepare_recall
-- For this transaction: an index scan goes on until enough rows pass the filter, however few of its tenant there are.
select set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.ef_search', %(breadth)s, true);

-- name: recall
-- The nearest memories. Up to `exact_rows` candidates are all compared; above that the index of DIMENSIONS (a type's
-- length cannot be a parameter) is scanned, in nearly the right order. `+ 0` keeps that index out of the exact search.
with visible as not materialized (
  select * from memories
  where tenant = %(tenant)s and valid_until is null and flow in ('', %(flow)s)
    and embedder = %(embedder)s and dimensions = DIMENSIONS
    and embedding is not null and audience = any(%(audiences)s::text[])
    and (cardinality(%(kinds)s::text[]) = 0 or kind = any(%(kinds)s::text[]))
),
few as materialized (
  select count(*) <= %(exact_rows)s as are from (select from visible limit %(exact_rows)s + 1) as bounded
),
nearest as (
  (select id, kind, ref, text, url, remembered_at, (embedding::halfvec(DIMENSIONS) <=> %(embedding)s) + 0 as distance
   from visible
   where (select are from few) and ref <> %(exclude_ref)s
   order by distance
   limit %(limit)s)
  union all
  (select id, kind, ref, text, url, remembered_at, embedding::halfvec(DIMENSIONS) <=> %(embedding)s
   from visible
   where not (select are from few) and ref <> %(exclude_ref)s
   order by embedding::halfvec(DIMENSIONS) <=> %(embedding)s
   limit %(limit)s)
)
select id::text, kind, ref, text, url, 1 - distance as score, remembered_at from nearest order by distance, id;
