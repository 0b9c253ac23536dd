-- name: stop
-- Retire embedders that are being built but no longer wanted.
update memory_embedders set state = 'retired', since = now()
where tenant = %(tenant)s and state = 'building' and embedder <> %(wanted)s;

-- name: hold
-- Lease the work on one embedder, unless another worker has it.
update memory_embedders set owner = %(owner)s, leased_until = now() + make_interval(secs => %(lease)s)
where tenant = %(tenant)s and embedder = %(embedder)s
  and (leased_until is null or leased_until < now() or owner = %(owner)s)
returning embedder;

-- name: free
-- Give the lease back.
update memory_embedders set owner = '', leased_until = null
where tenant = %(tenant)s and embedder = %(embedder)s and owner = %(owner)s;

-- name: missing
-- Read the next memories without a vector of this embedder, oldest first. The digest is of the whole text.
select m.id::text, m.seq, left(m.text, %(characters)s) as text, md5(m.text) as digest from memories as m
where m.tenant = %(tenant)s and m.valid_until is null and m.seq > %(after)s and m.text ~ '\S' and not exists (
  select from memory_vectors as v
  where v.tenant = %(tenant)s and v.memory = m.id and v.embedder = %(embedder)s)
  and not exists (
  select from refused_vectors as r
  where r.tenant = %(tenant)s and r.memory = m.id and r.embedder = %(embedder)s and r.retry_at > now())
order by m.seq
limit %(limit)s;

-- name: keep
-- Keep the vectors of memories whose text is unchanged. It waits for rows that are being written.
with same as materialized (
  select m.id, new.embedding
  from unnest(%(ids)s::uuid[], %(digests)s::text[], %(embeddings)s::text[]) as new (id, digest, embedding)
  join memories as m on m.tenant = %(tenant)s and m.id = new.id
  where md5(m.text) = new.digest and m.valid_until is null
  order by m.id
  for share of m
)
insert into memory_vectors (tenant, memory, embedder, dimensions, embedding)
select %(tenant)s, same.id, %(embedder)s, %(dimensions)s, same.embedding::halfvec from same
on conflict do nothing
returning memory;

-- name: refuse
-- Remember that the embedder refuses these texts: it is asked again after a day, after a week, and then no more.
insert into refused_vectors as r (tenant, memory, embedder, retry_at)
select %(tenant)s, m.id, %(embedder)s, now() + interval '1 day'
from unnest(%(ids)s::uuid[], %(digests)s::text[]) as refused (id, digest)
join memories as m on m.tenant = %(tenant)s and m.id = refused.id and md5(m.text) = refused.digest
order by m.id
on conflict (tenant, memory, embedder) do update
set tries = r.tries + 1, retry_at = case when r.tries < 2 then now() + interval '7 days' else 'infinity' end
where r.retry_at <= now();

-- name: turn
-- Let changes of a tenant's embedders take turns.
select from memory_embedders where tenant = %(tenant)s order by embedder for update;

-- name: retire
-- Retire the embedder that answers, if the new one has all vectors and every writer knows of it.
update memory_embedders set state = 'retired', since = now()
where tenant = %(tenant)s and state = 'answering'
  and exists (
    select from memory_embedders
    where tenant = %(tenant)s and embedder = %(embedder)s and state = 'building'
      and since <= now() - make_interval(secs => %(settled)s))
  and not vectors_missing(%(tenant)s, %(embedder)s, 'infinity');

-- name: promote
-- Let the new embedder answer, in the same transaction.
update memory_embedders set state = 'answering', since = now()
where tenant = %(tenant)s and embedder = %(embedder)s and state = 'building' and not exists (
  select from memory_embedders where tenant = %(tenant)s and state = 'answering')
returning embedder;

-- name: retired
-- Read the embedders that were retired long enough ago.
select embedder from memory_embedders
where tenant = %(tenant)s and state = 'retired' and since <= now() - make_interval(secs => %(settled)s);

-- name: clear
-- Delete some of their vectors.
delete from memory_vectors where (tenant, memory, embedder) in (
  select tenant, memory, embedder from memory_vectors
  where tenant = %(tenant)s and embedder = %(embedder)s limit %(limit)s)
  and exists (
    select from memory_embedders where tenant = %(tenant)s and embedder = %(embedder)s and state = 'retired')
returning memory;

-- name: clear_kept
-- Delete its vectors from the vector cache, and what it refused.
with retired as (
  select from memory_embedders where tenant = %(tenant)s and embedder = %(embedder)s and state = 'retired'
), refused as (
  delete from refused_vectors where tenant = %(tenant)s and embedder = %(embedder)s and exists (select from retired)
)
delete from embeddings where tenant = %(tenant)s and embedder = %(embedder)s and exists (select from retired);

-- name: dismiss
-- Delete an embedder that has no vectors any more.
delete from memory_embedders where tenant = %(tenant)s and embedder = %(embedder)s and state = 'retired'
  and not exists (select from memory_vectors where tenant = %(tenant)s and embedder = %(embedder)s);
