-- name: lock
-- Let processes that see a tenant for the first time take turns.
select pg_advisory_xact_lock(hashtextextended('memory_embedders ' || %(tenant)s, 0));

-- name: appoint
-- Appoint the wanted embedder: the first of a tenant answers at once, another is built beside the one that answers.
-- Appoint none if one of `instead` answers.
insert into memory_embedders (tenant, embedder, dimensions, state)
select %(tenant)s, %(embedder)s, %(dimensions)s,
       case when exists (select from memory_embedders where tenant = %(tenant)s and state = 'answering')
            then 'building' else 'answering' end
where not exists (
  select from memory_embedders
  where tenant = %(tenant)s and state = 'answering' and embedder = any(%(instead)s::text[]))
on conflict (tenant, embedder) do update set state = 'building', since = now()
where memory_embedders.state = 'retired';

-- name: appointed
-- Read the embedders of a tenant, first the one that answers, with the seconds since each changed its state.
select embedder, dimensions, state, extract(epoch from now() - since)::float8 as age from memory_embedders
where tenant = %(tenant)s order by state, embedder;
