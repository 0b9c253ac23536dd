-- name: find
-- Read the cached vectors of these texts.
select digest, vector::text as vector from embeddings
where tenant = %(tenant)s and digest = any(%(digests)s::text[]) and embedder = %(embedder)s and purpose = %(purpose)s;

-- name: touch
-- Record their use, at most once a day: Postgres writes a changed row anew.
update embeddings set used_at = now()
where tenant = %(tenant)s and digest = any(%(digests)s::text[]) and embedder = %(embedder)s and purpose = %(purpose)s
  and used_at < now() - interval '1 day';

-- name: keep
-- Write new vectors.
insert into embeddings (tenant, digest, embedder, purpose, vector)
select %(tenant)s, new.digest, %(embedder)s, %(purpose)s, new.vector::halfvec
from unnest(%(digests)s::text[], %(vectors)s::text[]) as new (digest, vector)
order by new.digest
on conflict do nothing;
