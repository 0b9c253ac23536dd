-- Forgetting finds what it deletes by an index, and keeps out for good exactly what it would delete.

-- Places and subjects as regions compare them: without case, byte by byte, so that what lies beneath stands together.
-- An expression in an index would do elsewhere, but lower() may leak, so row level security keeps such an index unused.
alter table memories
  add column source_key text collate "C" generated always as (lower(source)) stored,
  add column ref_key text collate "C" generated always as (lower(ref)) stored;
create index memories_by_source_key on memories (tenant, source_key);
create index memories_by_ref_key on memories (tenant, ref_key);
create index memories_by_author on memories (tenant, author);
create index turns_by_event on turns (tenant, event_id);

-- Does `place` lie in `region`? As lies_in says; the range, from `/` to `;`, is what an index can find of it.
create or replace function memory_matches(m memories, by text, names text[], patterns text[]) returns boolean
language sql stable as $$
  select case by
    when 'text' then cardinality(patterns) > 0 and strpos(lower(m.text), names[1]) > 0 and lower(m.text) ~ all (patterns)
    when 'ref' then m.ref_key >= lower(names[1]) and m.ref_key < lower(names[1]) || ';' and lies_in(m.ref, names[1])
    when 'author' then m.author = any (names)
    when 'source' then
      m.source_key >= lower(names[1]) and m.source_key < lower(names[1]) || ';' and lies_in(m.source, names[1])
    when 'id' then
      m.id >= rpad(left(replace(names[1], '-', ''), 32), 32, '0')::uuid
      and m.id <= rpad(left(replace(names[1], '-', ''), 32), 32, 'f')::uuid and starts_with(m.id::text, names[1])
    else false
  end
$$;

-- The keys are computed first: compared with `word # space` the index could not be used, for xor may leak.
create or replace function follow_terms() returns trigger language plpgsql as $$
declare
  space bigint;
  keys bigint[];
begin
  if tg_op <> 'INSERT' and old.terms is not null then
    space := memory_space(old.flow, old.audience, old.valid_until is null);
    keys := array(select word # space from unnest(old.terms) as word);
    delete from memory_terms where tenant = old.tenant and term = any (keys) and memory = old.seq;
  end if;
  if tg_op <> 'DELETE' and new.terms is not null then
    space := memory_space(new.flow, new.audience, new.valid_until is null);
    insert into memory_terms (tenant, term, memory, impact)
    select new.tenant, word # space, new.seq, impact from unnest(new.terms, new.impacts) as words (word, impact);
  end if;
  return null;
end $$;

-- A block keeps out what the request to forget would have deleted: where it was asked, not everywhere, and what was
-- visible there. A row without bounds is of an operator, or of a text, which is known wherever it comes from.
alter table memory_blocks
  -- Blocked is what was said within this place; '' is everywhere.
  add column grounds text not null default '',
  -- Blocked is what these may see; without any it is what anybody may.
  add column audiences text[] not null default '{}';
alter table memory_blocks drop constraint memory_blocks_pkey;
alter table memory_blocks add primary key (tenant, by, value, grounds, audiences);

-- Did somebody ask to forget such a memory for good? The text by its digest, the author by name; the subject and the
-- place with all that lies in them, as memory_matches has it. It is asked for each memory, so it is planned once; that
-- plan uses the index, also when it was made while the table was empty.
create function is_blocked(of_tenant text, of_digest text, of_ref text, of_author text, of_source text, of_audience text)
returns boolean language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
begin
  return exists (
    select from (
      select * from memory_blocks where tenant = of_tenant and by = 'digest' and value = of_digest and value <> ''
      union all
      select * from memory_blocks where tenant = of_tenant and by = 'author' and value = of_author and value <> ''
      union all
      select * from memory_blocks where tenant = of_tenant and by = 'ref' and lies_in(of_ref, value)
      union all
      select * from memory_blocks where tenant = of_tenant and by = 'source' and lies_in(of_source, value)
    ) as block
    where (grounds = '' or lies_in(of_source, grounds)) and (audiences = '{}' or of_audience = any (audiences)));
end $$;
