-- name: prepare_recall
-- For this transaction: an index scan goes on until enough rows pass the filter, however few of its tenant there are.
select set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.ef_search', %(breadth)s, true);

-- name: recall
-- What is nearest in meaning and in words, from one statement. DIMENSIONS is written in: a type's length cannot be a
-- parameter, and only so the index of that length is used.
with visible as not materialized (
  select * from memory_vectors
  where tenant = %(tenant)s and embedder = %(embedder)s and dimensions = DIMENSIONS
    and flow in ('', %(flow)s) and audience = any(%(audiences)s::text[])
    and (cardinality(%(kinds)s::text[]) = 0 or kind = any(%(kinds)s::text[]))
    and (%(since)s::timestamptz is null or remembered_at >= %(since)s)
    and (valid_until is null or valid_until > %(until)s::timestamptz)
    and (%(until)s::timestamptz is not null or valid_until is null)
    and (%(until)s::timestamptz is null or valid_from <= %(until)s)
),
excluded as materialized (
  select id from memories where tenant = %(tenant)s and ref = %(exclude_ref)s
),
few as materialized (
  select count(*) as rows, count(*) <= %(exact_rows)s as are
  from (select from visible limit %(exact_rows)s + 1) as bounded
),
-- Up to `exact_rows` are all compared; `+ 0` keeps the index out of it. Above that the index is scanned, which returns
-- them in nearly the right order.
nearest as materialized (
  (select memory, (embedding::halfvec(DIMENSIONS) <=> %(embedding)s) + 0 as distance
   from visible
   where %(embedding)s::text is not null and (select are from few) and memory not in (select id from excluded)
   order by distance
   limit %(candidates)s)
  union all
  (select memory, embedding::halfvec(DIMENSIONS) <=> %(embedding)s
   from visible
   where %(embedding)s::text is not null and not (select are from few) and memory not in (select id from excluded)
   order by embedding::halfvec(DIMENSIONS) <=> %(embedding)s
   limit %(candidates)s)
),
asked as materialized (
  select * from unnest(%(terms)s::bigint[], %(words)s::text[]) as asked (term, word)
),
spaces as materialized (
  select distinct memory_space(flow, audience, holds) as space
  from unnest(array['', %(flow)s]) as flow, unnest(%(audiences)s::text[]) as audience,
       unnest(case when %(until)s::timestamptz is null then array[true] else array[true, false] end) as holds
),
-- The newest of each list: a very common word costs no more than another.
listed as materialized (
  select asked.term, list.memory, list.impact
  from asked, spaces, lateral (
    select memory, impact from memory_terms
    where tenant = %(tenant)s and memory_terms.term = asked.term # spaces.space
    order by memory desc limit %(listed)s
  ) as list
),
weights as materialized (
  select term, found, ln(1 + (greatest((select rows from few), most) - found + 0.5) / (found + 0.5))::float8 as weight
  from (select term, count(*) as found, max(count(*)) over () as most from listed group by term) as counted
),
-- A word whose list was cut proposes nothing, unless all were.
proposed as materialized (
  select memory, sum(weight * impact) as sum
  from listed join weights using (term)
  group by memory
  having min(found) < %(listed)s or (select min(found) from weights) >= %(listed)s
  order by sum desc, memory desc
  limit %(proposed)s
),
worded as materialized (
  select id from proposed join memories on tenant = %(tenant)s and seq = memory
  where (cardinality(%(kinds)s::text[]) = 0 or kind = any(%(kinds)s::text[])) and ref <> %(exclude_ref)s
    and (%(since)s::timestamptz is null or remembered_at >= %(since)s)
    and (%(until)s::timestamptz is null or (valid_from <= %(until)s and (valid_until is null or valid_until > %(until)s)))
  order by sum desc, memory desc
  limit %(candidates)s
),
candidates as (
  select memory as id from nearest union select id from worded
),
scored as (
  select m.*, v.embedding, 1 - (v.embedding <=> %(embedding)s::halfvec) as meaning, matched.words,
         %(meaning_weight)s::float8 * coalesce(1 - (v.embedding <=> %(embedding)s::halfvec), 0)
         + %(words_weight)s::float8 * coalesce(matched.sum / (BEST_IMPACT * (select sum(weight) from weights)), 0)
         + %(prior_weight)s::float8 * (
             power(0.5, extract(epoch from now() - m.remembered_at) / HALF_LIFE) + m.uses / (m.uses + 10.0)) as score
  from candidates
  join memories as m on m.tenant = %(tenant)s and m.id = candidates.id
  left join memory_vectors as v
    on v.tenant = %(tenant)s and v.memory = m.id and v.embedder = %(embedder)s and v.dimensions = DIMENSIONS
  left join lateral (
    select sum(weight * m.impacts[array_position(m.terms, term)]) as sum, array_agg(word order by weight desc) as words
    from asked join weights using (term) where term = any(m.terms)
  ) as matched on true
),
placed as materialized (
  select *, row_number() over (order by score desc, seq desc) as place
  from scored order by place limit %(shown)s
)
-- `near` are the better places that say nearly the same.
select place, id::text, kind, ref, text, url, remembered_at, author, trust, audience, score, meaning,
       coalesce(words, '{}') as words,
       array(select better.place from placed as better
             where better.place < placed.place
               and ((better.digest = placed.digest and placed.digest <> '')
                    or better.embedding <=> placed.embedding < NEARLY_EQUAL)) as near
from placed order by place;
