-- Texts that an embedder refuses have no vector: they block no change of the embedder, and are tried a few times only.

-- One row per memory and embedder. It is tried again at `retry_at`, at last never.
create table refused_vectors (
  tenant   text not null,
  memory   uuid not null,
  embedder text not null,
  tries    int not null default 1,
  retry_at timestamptz not null,
  primary key (tenant, memory, embedder),
  foreign key (tenant, memory) references memories on delete cascade
);
grant select, insert, update, delete on refused_vectors to agent_flows;
grant select on refused_vectors to agent_flows_definer;
alter table refused_vectors enable row level security;
alter table refused_vectors force row level security;
create policy tenant on refused_vectors using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on refused_vectors to agent_flows_definer using (true);

-- Another text is another question.
create function forget_refusal() returns trigger language plpgsql as $$
begin
  delete from refused_vectors where tenant = old.tenant and memory = old.id;
  return null;
end $$;
create trigger replaced_refusal after update of text on memories
  for each row when (old.text is distinct from new.text) execute function forget_refusal();

-- Whether some current memory lacks a vector of this embedder, and is not refused until `at`.
create function vectors_missing(of_tenant text, of_embedder text, at timestamptz) returns boolean
language sql stable set search_path = pg_catalog, public, pg_temp as $$
  select exists (
    select from memories as m
    where m.tenant = of_tenant and m.valid_until is null and m.text ~ '\S' and not exists (
      select from memory_vectors as v
      where v.tenant = of_tenant and v.memory = m.id and v.embedder = of_embedder)
      and not exists (
      select from refused_vectors as r
      where r.tenant = of_tenant and r.memory = m.id and r.embedder = of_embedder
        and (at = 'infinity' or r.retry_at > at)))
$$;

create or replace function pending_vectors() returns setof text
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  one record;
  before text := coalesce(current_setting('app.tenant', true), '');
begin
  for one in
    select e.tenant, e.embedder, (select count(*) from memory_embedders as o where o.tenant = e.tenant) > 1 as changes
    from memory_embedders as e where e.state = 'answering' order by 1
  loop
    perform set_config('app.tenant', one.tenant, true);
    if one.changes or vectors_missing(one.tenant, one.embedder, now()) then
      return next one.tenant;
    end if;
  end loop;
  perform set_config('app.tenant', before, true);
end $$;
drop function vectors_missing(text, text);
