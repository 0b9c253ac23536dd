-- name: analyze
-- New statistics for all tables.
analyze;

-- name: vacuum
-- New statistics, and no work left for the server's own vacuum to do while times are taken.
vacuum (analyze);

-- name: count_memories
-- How many memories a tenant has.
select count(*) from memories where tenant = %s;

-- name: act_as_function
-- From here on row level security binds this session.
set role agent_flows;

-- name: act_for
-- For this transaction.
select set_config('app.tenant', %s, true);

-- name: build_within
-- For this session.
select set_config('maintenance_work_mem', %s, false);

-- name: make_notes
-- The definitions of indexes that were dropped for a load, kept until they are built again.
create table if not exists benchmark_indexes (definition text primary key);

-- name: note_indexes
-- The indexes that cost most to maintain row by row. Words and vectors of all memories, not of one subject.
insert into benchmark_indexes (definition)
select replace(pg_get_indexdef(i.oid), ' ON ONLY ', ' ON ') from pg_class as i
join pg_am on pg_am.oid = i.relam and pg_am.amname in ('hnsw', 'gin')
join pg_namespace as n on n.oid = i.relnamespace and n.nspname = 'public'
where i.relkind in ('i', 'I') and not i.relispartition and i.relname like 'memor%'
on conflict do nothing;

-- name: drop_indexes
-- Drop them: COPY and insert are ten to a hundred times as fast without.
do $$
declare
  one record;
begin
  for one in
    select i.oid::regclass as name from pg_class as i
    join pg_am on pg_am.oid = i.relam and pg_am.amname in ('hnsw', 'gin')
    join pg_namespace as n on n.oid = i.relnamespace and n.nspname = 'public'
    where i.relkind in ('i', 'I') and not i.relispartition and i.relname like 'memor%'
  loop
    execute format('drop index %s', one.name);
  end loop;
end $$;

-- name: noted_indexes
-- What is to be built.
select definition from benchmark_indexes order by definition;

-- name: forget_index
-- It is built.
delete from benchmark_indexes where definition = %s;

-- name: sizes
-- The bytes of each table with its long values, and of each index, that holds memories.
select coalesce(whole.relname, c.relname) as name, c.relkind::text as kind,
       sum(case when c.relkind = 'r' then pg_table_size(c.oid) else pg_relation_size(c.oid) end)::bigint as bytes
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace and n.nspname = 'public'
left join pg_inherits as i on i.inhrelid = c.oid left join pg_class as whole on whole.oid = i.inhparent
where c.relkind in ('r', 'i') and c.relname like 'memor%'
  and c.relname not like 'memory_audit%' and c.relname not like 'memory_blocks%'
group by 1, 2 order by kind desc, bytes desc;

-- name: forget_tenant
-- Delete all that a tenant remembers; what belongs to a memory goes with it.
delete from memories where tenant = %s;

-- name: nothing
-- What no transaction can go below.
select 1;
