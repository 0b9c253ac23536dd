-- Recall looks at more where an index holds more, and compares and returns what is beyond the asked only where the first are
-- nearly equal.

drop function recall_memories;
drop function nearest_memories;

-- Of more rows more lie near, so the scan looks at one of 2,500 at once, and no less than `breadth`: recall@10 was .57 of
-- a million rows with 40, and .96 with 400. It goes on until enough rows pass the filter, however few of the tenant there are.
create function nearest_memories(
  scope recall_scope, without uuid[], question halfvec, wanted int, counted int, compared int, indexed int, breadth int
) returns uuid[]
language plpgsql stable as $$
declare
  found uuid[];
begin
  if counted <= compared or scope.dimensions not in (256, 384, 768, 1024, 1536) then
    return compare_memories(scope, without, question, wanted);
  end if;
  perform set_config('hnsw.iterative_scan', 'relaxed_order', true),
          set_config('hnsw.ef_search', greatest(breadth, least(indexed / 2500, 400))::text, true);
  execute format('select scan_memories_%s($1, $2, $3, $4)', scope.dimensions) into found
  using scope, without, question, wanted;
  return found;
end $$;

-- What is nearest in meaning and in words, best first. At most `shown`, and no more than `enough` where none of these nearly
-- equals another. `matched` are the places of its words in the question, `near` the better places that say nearly the same.
-- `counted` and `indexed`, the rows that the tenant's indexes hold, may be known from a question before. The weights, and what
-- nearly equal is, are in shared/memory/ranking.py.
create function recall_memories(
  scope recall_scope, exclude_ref text, question halfvec, words bigint[], known int, known_indexed int, exact int, breadth int,
  most int, most_in_all int, proposed int, wanted int, shown int, enough int, meaning_weight float8, words_weight float8,
  prior_weight float8, best_impact float8, half_life float8, nearly_equal float8
) returns table (
  place bigint, id text, kind text, ref text, text text, url text, remembered_at timestamptz, author text, trust text,
  audience text, score float8, meaning float8, matched bigint[], near bigint[], counted int,
  indexed int
)
language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off
set enable_bitmapscan = off set max_parallel_workers_per_gather = 0 set jit = off as $$
#variable_conflict use_column
declare
  rows_in_indexes int := coalesce(known_indexed, (
    select greatest(reltuples, 0) from pg_class
    where oid = (select tableoid from memory_vectors where tenant = scope.tenant limit 1)), 0);
  -- To compare n rows takes n µs; to find one of them by an index of T rows about 2000 T/n µs, as it passes over the rest.
  compared int := coalesce(exact, greatest(2500, sqrt(2000.0 * rows_in_indexes)));
  rows_in_scope int := coalesce(known, count_visible(scope, compared + 1));
  without uuid[] := '{}';
  spaces bigint[];
  weighed bigint[];
  weights float8[];
  read int;
  candidates uuid[] := '{}';
begin
  if exclude_ref <> '' then
    without := array(select m.id from memories as m where m.tenant = scope.tenant and m.ref = exclude_ref);
  end if;
  if question is not null then
    candidates := nearest_memories(
      scope, without, question, wanted, rows_in_scope, compared, rows_in_indexes, breadth);
  end if;
  if words <> '{}' then
    spaces := array(
      select distinct memory_space(f, a, holds) from unnest(array['', scope.flow]) as f, unnest(scope.audiences) as a,
        unnest(case when scope.until is null then array[true] else array[true, false] end) as holds
    );
    select array_agg(word order by rarity), array_agg(weight order by rarity), count(*) filter (where before < most_in_all)
    into weighed, weights, read
    from (
      select word, weight, rarity, sum(listed) over (order by rarity) - listed as before
      from weigh_words(scope, words, spaces, rows_in_scope, most)
    ) as counted_words;
    candidates := candidates || worded_memories(
      scope, exclude_ref, weighed[:read], weights[:read], spaces, most, proposed, wanted);
  end if;
  return query
  with scored as (
    select m.*, v.embedding, 1 - (v.embedding <=> question) as meaning,
           (select sum(w.weight * m.impacts[array_position(m.terms, w.term)])
            from unnest(weighed, weights) as w (term, weight) where w.term = any(m.terms)) as words
    from (select distinct candidate from unnest(candidates) as candidate) as c
    join memories as m on m.tenant = scope.tenant and m.id = c.candidate
    left join memory_vectors as v on v.tenant = scope.tenant and v.memory = m.id and v.embedder = scope.embedder
      and v.dimensions = scope.dimensions
  ),
  -- What is compared pair by pair stands first: a row is read as far as its last column that is asked for.
  placed as materialized (
    select row_number() over (order by score desc, seq desc) as place, digest, embedding, score, meaning, id, kind, ref, text,
           url, remembered_at, author, trust, audience, terms
    from scored, lateral (
      select meaning_weight * coalesce(meaning, 0)
           + words_weight * coalesce(words / (best_impact * (select sum(weight) from unnest(weights) as weight)), 0)
           + prior_weight * (
               power(0.5, extract(epoch from now() - remembered_at)::float8 / half_life) + uses / (uses + 10.0::float8)
             ) as score
    ) as weighed_up
    order by place limit shown
  ),
  nearby as materialized (
    select p.place, array(
      select better.place from placed as better
      where better.place < p.place
        and ((better.digest = p.digest and p.digest <> '') or better.embedding <=> p.embedding < nearly_equal)
    ) as near
    from placed as p where p.place <= enough
  )
  -- Those beyond are needed only where some of the first are nearly equal.
  select p.place, p.id::text, p.kind, p.ref, p.text, p.url, p.remembered_at, p.author, p.trust, p.audience, p.score, p.meaning,
         array(select asked.place from unnest(recall_memories.words) with ordinality as asked (term, place)
               where asked.term = any(p.terms)),
         coalesce(n.near, array(
           select better.place from placed as better
           where better.place < p.place
             and ((better.digest = p.digest and p.digest <> '') or better.embedding <=> p.embedding < nearly_equal))),
         rows_in_scope, rows_in_indexes
  from placed as p left join nearby as n on n.place = p.place
  where p.place <= enough or (select bool_or(near <> '{}') from nearby)
  order by p.place;
end $$;
