-- Vectors stand in partitions by tenant, each with indexes of its own: a search of one tenant by an index over all of them
-- passes over the rows of the others, so that it takes the longer the more of those there are.

alter table memory_vectors rename to vectors_of_all;
-- Their owner need not be a superuser, and copies them all.
alter table vectors_of_all no force row level security;

create table memory_vectors (like vectors_of_all including defaults including constraints including storage)
  partition by hash (tenant);

-- Nobody but the owner is granted a partition; what flows do goes through the table of all.
do $$
begin
  for part in 0..7 loop
    execute format('create table memory_vectors_%s partition of memory_vectors for values with (modulus 8, remainder %s)', part, part);
    execute format('alter table memory_vectors_%s enable row level security', part);
    execute format('alter table memory_vectors_%s force row level security', part);
  end loop;
end $$;

insert into memory_vectors select * from vectors_of_all;
drop table vectors_of_all;

alter table memory_vectors add primary key (tenant, memory, embedder),
  add foreign key (tenant, memory) references memories on delete cascade;
create index memory_vectors_by_reader on memory_vectors (tenant, embedder, dimensions, audience, flow, kind)
  include (remembered_at, valid_from, valid_until);
do $$
declare
  dimensions int;
begin
  foreach dimensions in array array[256, 384, 768, 1024, 1536] loop
    execute format(
      'create index memory_vectors_hnsw_%1$s on memory_vectors using hnsw ((embedding::halfvec(%1$s)) halfvec_cosine_ops)'
      ' with (m = 16, ef_construction = 100) where dimensions = %1$s', dimensions);
  end loop;
end $$;
create trigger filters before insert on memory_vectors for each row execute function fill_memory_vector();

grant select, insert, update, delete on memory_vectors to agent_flows;
alter table memory_vectors enable row level security;
alter table memory_vectors force row level security;
create policy tenant on memory_vectors using (tenant = nullif(current_setting('app.tenant', true), ''));
