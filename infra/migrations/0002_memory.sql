-- The long-term memory: what flows remember, where it came from, who may see it, and its vector.

do $$
declare
  found text := (select extversion from pg_extension where extname = 'vector');
begin
  if found is null then
    if not exists (select from pg_available_extensions where name = 'vector') then
      raise exception 'this Postgres has no pgvector; install pgvector 0.8 or later on its server';
    end if;
    create extension vector;
    found := (select extversion from pg_extension where extname = 'vector');
  end if;
  if (string_to_array(found, '.')::int[])[1:2] < array[0, 8] then
    raise exception 'pgvector % is too old; update it to 0.8 or later and run `alter extension vector update`', found;
  end if;
end $$;

-- One row per subject: (kind, ref). Remembering it again replaces text, vector and audience together, so no older copy
-- with a wider audience stays behind. `embedder` says whose vector the row holds; vectors of two are never compared.
create table memories (
  tenant        text not null,
  id            uuid not null default gen_random_uuid(),
  kind          text not null check (kind <> ''),
  ref           text not null check (ref <> ''),
  text          text not null,
  words         tsvector not null,
  url           text not null default '',
  audience      text not null,
  author        text not null default '',
  trust         text not null default 'outside' check (trust in ('inside', 'outside')),
  event_id      text not null,
  embedder      text not null,
  dimensions    int not null,
  embedding     halfvec,
  remembered_at timestamptz not null default now(),
  primary key (tenant, id),
  unique (tenant, kind, ref),
  check (vector_dims(embedding) = dimensions)
);
-- A long text moves out of the row before the vector does: the exact search reads vectors, not texts.
alter table memories alter column embedding set storage main;

-- All that recall filters by, so that counting the candidates reads this index alone.
create index memories_by_audience on memories (tenant, embedder, dimensions, audience, kind)
  where embedding is not null;

-- A vector index holds one dimension; a dimension without one is searched exactly.
-- m and ef_construction: recall@10 of .99 at 100k rows, against .91 with pgvector's defaults.
create index memories_hnsw_256 on memories using hnsw ((embedding::halfvec(256)) halfvec_cosine_ops)
  with (m = 24, ef_construction = 200) where dimensions = 256;
create index memories_hnsw_384 on memories using hnsw ((embedding::halfvec(384)) halfvec_cosine_ops)
  with (m = 24, ef_construction = 200) where dimensions = 384;
create index memories_hnsw_768 on memories using hnsw ((embedding::halfvec(768)) halfvec_cosine_ops)
  with (m = 24, ef_construction = 200) where dimensions = 768;
create index memories_hnsw_1024 on memories using hnsw ((embedding::halfvec(1024)) halfvec_cosine_ops)
  with (m = 24, ef_construction = 200) where dimensions = 1024;
create index memories_hnsw_1536 on memories using hnsw ((embedding::halfvec(1536)) halfvec_cosine_ops)
  with (m = 24, ef_construction = 200) where dimensions = 1536;

grant select, insert, update, delete on memories to agent_flows;
alter table memories enable row level security;
alter table memories force row level security;
create policy tenant on memories using (tenant = nullif(current_setting('app.tenant', true), ''));
