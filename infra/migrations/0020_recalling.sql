-- Recall as functions: their statements are planned once for each connection, and not for each question. A statement
-- that recalls is large, and planning it took longer than running it.

-- With what the filters read, whether or not a memory still holds: a plan that is kept cannot know that it will be asked
-- for the present only.
create index memory_vectors_by_reader on memory_vectors (tenant, embedder, dimensions, audience, flow, kind)
  include (remembered_at, valid_from, valid_until);
drop index memory_vectors_by_audience;

-- What is asked for, and by whom.
create type recall_scope as (
  tenant text, flow text, audiences text[], kinds text[], since timestamptz, until timestamptz, embedder text,
  dimensions int
);

-- The functions that read vectors, each with the same filter. All are called by recall_memories, whose settings keep their
-- plans right whatever the tables held when these were made: sequential scans never pay here.
do $make$
declare
  head text := $$(scope recall_scope, without uuid[], question halfvec, wanted int) returns uuid[]
    language plpgsql stable $$;
  visible text := $$memory_vectors as v
    where v.tenant = scope.tenant and v.embedder = scope.embedder and v.dimensions = DIMENSIONS
      and v.audience = any(scope.audiences) and v.flow in ('', scope.flow)
      and (cardinality(scope.kinds) = 0 or v.kind = any(scope.kinds))
      and (scope.since is null or v.remembered_at >= scope.since)
      and (v.valid_until is null or v.valid_until > scope.until)
      and (scope.until is null or v.valid_from <= scope.until)$$;
  of_scope text := replace(visible, 'DIMENSIONS', 'scope.dimensions');
  dimensions int;
begin
  -- At most `most` are counted.
  execute 'create function count_visible(scope recall_scope, most int) returns int language plpgsql stable as $f$ begin '
    'return (select count(*) from (select from ' || of_scope || ' limit most) as bounded); end $f$';
  -- All are compared.
  execute 'create function compare_memories' || head || 'as $f$ begin return array(select memory from ' || of_scope
    || ' and memory <> all(without) order by embedding <=> question limit wanted); end $f$';
  -- The index of the dimension is scanned, in nearly the right order; without sorting no other plan is left.
  foreach dimensions in array array[256, 384, 768, 1024, 1536] loop
    execute replace('create function scan_memories_DIMENSIONS' || head || 'set enable_sort = off as $f$ begin '
      'return array(select memory from ' || visible
      || ' and memory <> all(without) order by embedding::halfvec(DIMENSIONS) <=> question limit wanted); end $f$',
      'DIMENSIONS', dimensions::text);
  end loop;
end $make$;

create function nearest_memories(scope recall_scope, without uuid[], question halfvec, wanted int, counted int, exact int)
returns uuid[] language plpgsql stable as $$
declare
  found uuid[];
begin
  if counted <= exact or scope.dimensions not in (256, 384, 768, 1024, 1536) then
    return compare_memories(scope, without, question, wanted);
  end if;
  execute format('select scan_memories_%s($1, $2, $3, $4)', scope.dimensions) into found
  using scope, without, question, wanted;
  return found;
end $$;

-- What the words of a question weigh. Of each list the newest `most` are counted; how long a longer one is follows from
-- how far back these reach, of all that the tenant has. A word that stands nowhere weighs nothing.
create function weigh_words(scope recall_scope, words bigint[], spaces bigint[], counted int, most int)
returns table (word bigint, weight float8, listed bigint, rarity bigint)
language plpgsql stable as $$
#variable_conflict use_column
declare
  oldest bigint := (select seq from memories where tenant = scope.tenant order by seq limit 1);
  newest bigint := (select seq from memories where tenant = scope.tenant order by seq desc limit 1);
begin
  return query
  with lists as (
    select asked, list.listed, list.last
    from unnest(words) as asked, unnest(spaces) as space, lateral (
      select count(*) as listed, min(memory) as last from (
        select memory from memory_terms where tenant = scope.tenant and term = asked # space
        order by memory desc limit most
      ) as newest_of_list
    ) as list
    where list.listed > 0
  ),
  sizes as (
    select asked, sum(lists.listed) as listed,
           sum(case when lists.listed < most then lists.listed
               else lists.listed * (newest - oldest + 1.0::float8) / (newest - last + 1) end) as found
    from lists group by asked
  )
  select asked,
         ln(1 + (greatest(counted, max(found) over ()) - found + 0.5) / (found + 0.5))::float8,
         sizes.listed::bigint, row_number() over (order by found, asked)
  from sizes;
end $$;

-- What words find: of the rarest words the newest in their lists, until `most_in_all` are read. So a very common word
-- costs no more than another, and it counts all the same in what others have found.
create function worded_memories(
  scope recall_scope, exclude_ref text, words bigint[], weights float8[], spaces bigint[], most int, proposed int, wanted int
) returns uuid[]
language plpgsql stable as $$
begin
  return array(
    select id from (
      select memory, sum(weight * impact) as score
      from unnest(words, weights) as asked (word, weight), unnest(spaces) as space, lateral (
        select memory, impact from memory_terms where tenant = scope.tenant and term = word # space
        order by memory desc limit most
      ) as list
      group by memory order by score desc, memory desc limit proposed
    ) as best join memories on tenant = scope.tenant and seq = memory
    where ref <> exclude_ref
      and (cardinality(scope.kinds) = 0 or kind = any(scope.kinds))
      and (scope.since is null or remembered_at >= scope.since)
      and (scope.until is null or (valid_from <= scope.until and (valid_until is null or valid_until > scope.until)))
    order by score desc, memory desc limit wanted
  );
end $$;

-- What is nearest in meaning and in words, best first. `matched` are the places of its words in the question, `near` the
-- better places that say nearly the same. `counted` may be `known` from a question before. The weights, and what nearly equal
-- is, are in shared/memory/ranking.py.
create function recall_memories(
  scope recall_scope, exclude_ref text, question halfvec, words bigint[], known int, exact int, most int, most_in_all int,
  proposed int, wanted int, shown int, meaning_weight float8, words_weight float8, prior_weight float8,
  best_impact float8, half_life float8, nearly_equal float8
) returns table (
  place bigint, id text, kind text, ref text, text text, url text, remembered_at timestamptz, author text, trust text,
  audience text, score float8, meaning float8, matched bigint[], near bigint[], counted int
)
language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
  -- To compare n rows takes n µs; to find one of them by an index of T rows about 2000 T/n µs, as it passes over the rest.
  compared int := coalesce(exact, greatest(5000, sqrt(2000 * (
    select greatest(reltuples, 0) from pg_class where oid = 'memory_vectors'::regclass))));
  rows_in_scope int := coalesce(known, count_visible(scope, compared + 1));
  without uuid[] := array(select m.id from memories as m where m.tenant = scope.tenant and m.ref = exclude_ref and exclude_ref <> '');
  spaces bigint[] := array(
    select distinct memory_space(f, a, holds) from unnest(array['', scope.flow]) as f, unnest(scope.audiences) as a,
      unnest(case when scope.until is null then array[true] else array[true, false] end) as holds
  );
  weighed bigint[];
  weights float8[];
  read int;
  candidates uuid[] := '{}';
begin
  if question is not null then
    candidates := nearest_memories(scope, without, question, wanted, rows_in_scope, compared);
  end if;
  if words <> '{}' then
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
  placed as materialized (
    select *, row_number() over (order by score desc, seq desc) as place
    from scored, lateral (
      select meaning_weight * coalesce(meaning, 0)
           + words_weight * coalesce(words / (best_impact * (select sum(weight) from unnest(weights) as weight)), 0)
           + prior_weight * (
               power(0.5, extract(epoch from now() - remembered_at)::float8 / half_life) + uses / (uses + 10.0::float8)
             ) as score
    ) as weighed_up
    order by place limit shown
  )
  select p.place, p.id::text, p.kind, p.ref, p.text, p.url, p.remembered_at, p.author, p.trust, p.audience, p.score, p.meaning,
         array(select asked.place from unnest(recall_memories.words) with ordinality as asked (term, place)
               where asked.term = any(p.terms)),
         array(select better.place from placed as better
               where better.place < p.place
                 and ((better.digest = p.digest and p.digest <> '') or better.embedding <=> p.embedding < nearly_equal)),
         rows_in_scope
  from placed as p order by p.place;
end $$;
