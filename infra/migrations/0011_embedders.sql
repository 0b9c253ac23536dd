-- Which embedders each tenant's vectors come from, and the vectors that were paid for, by the hash of their text.

-- A new memory gets a vector of each embedder here; the one that answers is compared with. `since` is when the state
-- began. While one is being built, `owner` does it until `leased_until`.
-- Row level security is not forced on the two tables: the functions below see all tenants as the owner, who need not
-- be a superuser. Flows act as agent_flows, which owns nothing, so it binds them.
create table memory_embedders (
  tenant       text not null,
  embedder     text not null,
  dimensions   int not null,
  state        text not null check (state in ('answering', 'building', 'retired')),
  since        timestamptz not null default now(),
  owner        text not null default '',
  leased_until timestamptz,
  primary key (tenant, embedder)
);

-- Where there were several, the one with the most vectors goes on; the others' vectors are deleted in time.
insert into memory_embedders (tenant, embedder, dimensions, state)
select tenant, embedder, max(dimensions),
       case when row_number() over (partition by tenant order by count(*) desc, embedder) = 1
            then 'answering' else 'retired' end
from memory_vectors group by tenant, embedder;

-- `digest` is of the text as it is embedded: its first 8,000 characters. `purpose` tells questions from what is kept,
-- for embedders that make a difference between them.
create table embeddings (
  tenant   text not null,
  digest   text not null,
  embedder text not null,
  purpose  text not null check (purpose in ('document', 'query')),
  vector   halfvec not null,
  used_at  timestamptz not null default now(),
  primary key (tenant, digest, embedder, purpose)
);
-- Within the row: a vector of 2 kB just misses it otherwise, and takes three times the space.
alter table embeddings alter column vector set storage main;
create index embeddings_by_use on embeddings (used_at);

grant select, insert, update, delete on memory_embedders, embeddings to agent_flows;
alter table memory_embedders enable row level security;
alter table embeddings enable row level security;
create policy tenant on memory_embedders using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy tenant on embeddings using (tenant = nullif(current_setting('app.tenant', true), ''));

-- What is forgotten leaves no vector behind: much of a text can be read out of one.
create function forget_embedding() returns trigger language plpgsql as $$
begin
  delete from embeddings
  where tenant = old.tenant and digest = left(encode(sha256(convert_to(left(old.text, 8000), 'UTF8')), 'hex'), 32);
  return null;
end $$;
create trigger forgotten_embedding after delete on memories for each row execute function forget_embedding();
create trigger replaced_embedding after update of text on memories
  for each row when (old.text is distinct from new.text) execute function forget_embedding();

-- Deletes the vectors of every tenant that nobody has asked for in so long, and counts them. It runs as its owner: no
-- tenant's function could do it.
create function expire_embeddings(older_than interval) returns bigint
language sql security definer set search_path = public, pg_temp as $$
  with gone as (delete from embeddings where used_at < now() - older_than returning 1)
  select count(*) from gone
$$;

-- Whether some current memory lacks a vector of this embedder.
create function vectors_missing(of_tenant text, of_embedder text) returns boolean
language sql stable set search_path = public, pg_temp as $$
  select exists (
    select from memories as m
    where m.tenant = of_tenant and m.valid_until is null and m.text ~ '\S' and not exists (
      select from memory_vectors as v
      where v.tenant = of_tenant and v.memory = m.id and v.embedder = of_embedder))
$$;

-- The tenants with work for Reembedding: a change of the embedder, or memories without a vector. Memories show
-- themselves to their tenant only, also to the owner, so each is asked as that tenant.
create function pending_vectors() returns setof text
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  one record;
  before text := coalesce(current_setting('app.tenant', true), '');
begin
  for one in
    select e.tenant, e.embedder, (select count(*) from memory_embedders as o where o.tenant = e.tenant) > 1 as changes
    from memory_embedders as e where e.state = 'answering' order by 1
  loop
    perform set_config('app.tenant', one.tenant, true);
    if one.changes or vectors_missing(one.tenant, one.embedder) then
      return next one.tenant;
    end if;
  end loop;
  perform set_config('app.tenant', before, true);
end $$;

revoke execute on function expire_embeddings, pending_vectors from public;
grant execute on function expire_embeddings, pending_vectors to agent_flows;
