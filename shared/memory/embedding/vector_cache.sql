-- name: find
-- The vectors that are known of these texts.
select digest, vector::text as vector from embeddings
where tenant = %(tenant)s and digest = any(%(digests)s::text[]) and embedder = %(embedder)s and purpose = %(purpose)s;

-- name: touch
-- Note that they were of use, once a day at most: a row that is written moves.
update embeddings set used_at = now()
where tenant = %(tenant)s and digest = any(%(digests)s::text[]) and embedder = %(embedder)s and purpose = %(purpose)s
  and used_at < now() - interval '1 day';

-- name: keep
-- Keep new vectors.
insert into embeddings (tenant, digest, embedder, purpose, vector)
select %(tenant)s, new.digest, %(embedder)s, %(purpose)s, new.vector::halfvec
from unnest(%(digests)s::text[], %(vectors)s::text[]) as new (digest, vector)
order by new.digest
on conflict do nothing;
