-- What recall reads: one vector per memory and embedder, beside the filters that a search is bound by.

-- A number per memory, in the order of their making: small in an index, and the newest last.
alter table memories
  add column seq bigint generated always as identity,
  -- The words of the text and what each weighs in it; see shared/memory/lexical.py. Null: not yet taken apart.
  add column terms bigint[],
  add column impacts smallint[],
  add check (cardinality(terms) = cardinality(impacts));
create unique index memories_by_seq on memories (tenant, seq);
create index memories_by_ref on memories (tenant, ref);

-- One vector per memory and embedder, so that another embedder can take over while this one still answers.
-- The columns from `flow` on are the memory's, copied by triggers: a search that had to look them up would be slow.
create table memory_vectors (
  tenant        text not null,
  memory        uuid not null,
  embedder      text not null,
  dimensions    int not null,
  embedding     halfvec not null,
  flow          text not null default '',
  kind          text not null default '',
  audience      text not null default '',
  remembered_at timestamptz not null default now(),
  valid_from    timestamptz not null default now(),
  valid_until   timestamptz,
  primary key (tenant, memory, embedder),
  foreign key (tenant, memory) references memories on delete cascade,
  check (vector_dims(embedding) = dimensions)
);
alter table memory_vectors alter column embedding set storage main;

insert into memory_vectors (tenant, memory, embedder, dimensions, embedding, flow, kind, audience,
                            remembered_at, valid_from, valid_until)
select tenant, id, embedder, dimensions, embedding, flow, kind, audience, remembered_at, valid_from, valid_until
from memories where embedding is not null;

-- All that recall filters by, so that counting the candidates reads this index alone.
create index memory_vectors_by_audience on memory_vectors (tenant, embedder, dimensions, audience, flow, kind)
  where valid_until is null;

-- A vector index holds one dimension; a dimension without one is searched exactly.
-- m and ef_construction: recall@10 of .99 at 100k rows, against .91 with pgvector's defaults.
create index memory_vectors_hnsw_256 on memory_vectors using hnsw ((embedding::halfvec(256)) halfvec_cosine_ops)
  with (m = 24, ef_construction = 200) where dimensions = 256;
create index memory_vectors_hnsw_384 on memory_vectors using hnsw ((embedding::halfvec(384)) halfvec_cosine_ops)
  with (m = 24, ef_construction = 200) where dimensions = 384;
create index memory_vectors_hnsw_768 on memory_vectors using hnsw ((embedding::halfvec(768)) halfvec_cosine_ops)
  with (m = 24, ef_construction = 200) where dimensions = 768;
create index memory_vectors_hnsw_1024 on memory_vectors using hnsw ((embedding::halfvec(1024)) halfvec_cosine_ops)
  with (m = 24, ef_construction = 200) where dimensions = 1024;
create index memory_vectors_hnsw_1536 on memory_vectors using hnsw ((embedding::halfvec(1536)) halfvec_cosine_ops)
  with (m = 24, ef_construction = 200) where dimensions = 1536;

-- The old columns go with their indexes.
alter table memories drop column embedding, drop column embedder, drop column dimensions, drop column words;

create function fill_memory_vector() returns trigger language plpgsql as $$
begin
  select m.flow, m.kind, m.audience, m.remembered_at, m.valid_from, m.valid_until
  into new.flow, new.kind, new.audience, new.remembered_at, new.valid_from, new.valid_until
  from memories as m where m.tenant = new.tenant and m.id = new.memory;
  return new;
end $$;
create trigger filters before insert on memory_vectors for each row execute function fill_memory_vector();

create function follow_memory() returns trigger language plpgsql as $$
begin
  update memory_vectors as v
  set flow = new.flow, kind = new.kind, audience = new.audience, remembered_at = new.remembered_at,
      valid_from = new.valid_from, valid_until = new.valid_until
  where v.tenant = new.tenant and v.memory = new.id;
  return null;
end $$;
create trigger filters after update of flow, kind, audience, remembered_at, valid_from, valid_until on memories
  for each row when ((old.flow, old.kind, old.audience, old.remembered_at, old.valid_from, old.valid_until)
    is distinct from (new.flow, new.kind, new.audience, new.remembered_at, new.valid_from, new.valid_until))
  execute function follow_memory();

-- A vector never outlives its text. Before the update, so that the statement that changed the text can add the new one.
create function drop_stale_vectors() returns trigger language plpgsql as $$
begin
  delete from memory_vectors as v where v.tenant = new.tenant and v.memory = new.id;
  return new;
end $$;
create trigger stale_vectors before update of text on memories
  for each row when (old.text is distinct from new.text) execute function drop_stale_vectors();

-- The inverted index: where each word stands, the newest memory last. A GIN index would be smaller, but its operators
-- may leak what they compare, so row level security keeps Postgres from using it; the equality of a b-tree may not.
-- `term` is the word's key xor the key of the space: who may see it, in which flow, and whether it still holds. So one
-- list holds what one reader may see, and a common word of another audience or of the past does not fill it.
create table memory_terms (
  tenant text not null,
  term   bigint not null,
  memory bigint not null,
  impact smallint not null,
  primary key (tenant, term, memory) include (impact)
);

create function memory_space(flow text, audience text, holds boolean) returns bigint
language sql immutable parallel safe as $$
  select ('x' || encode(substr(sha256(convert_to(
    concat_ws(E'\n', length(flow), flow, audience, holds), 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint
$$;

create function follow_terms() returns trigger language plpgsql as $$
declare
  space bigint;
begin
  if tg_op <> 'INSERT' and old.terms is not null then
    space := memory_space(old.flow, old.audience, old.valid_until is null);
    delete from memory_terms as t using unnest(old.terms) as word
    where t.tenant = old.tenant and t.term = word # space and t.memory = old.seq;
  end if;
  if tg_op <> 'DELETE' and new.terms is not null then
    space := memory_space(new.flow, new.audience, new.valid_until is null);
    insert into memory_terms (tenant, term, memory, impact)
    select new.tenant, word # space, new.seq, impact from unnest(new.terms, new.impacts) as words (word, impact);
  end if;
  return null;
end $$;
create trigger terms after insert or delete on memories for each row execute function follow_terms();
create trigger changed_terms after update on memories for each row
  when ((old.terms, old.impacts, old.flow, old.audience, old.valid_until is null)
    is distinct from (new.terms, new.impacts, new.flow, new.audience, new.valid_until is null))
  execute function follow_terms();

grant select, insert, update, delete on memory_vectors, memory_terms to agent_flows;
alter table memory_terms enable row level security;
alter table memory_terms force row level security;
create policy tenant on memory_terms using (tenant = nullif(current_setting('app.tenant', true), ''));
alter table memory_vectors enable row level security;
alter table memory_vectors force row level security;
create policy tenant on memory_vectors using (tenant = nullif(current_setting('app.tenant', true), ''));
