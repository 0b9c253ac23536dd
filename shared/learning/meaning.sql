-- name: vectors
-- The vectors of findings that this embedder made.
select id, vector::real[]::float8[] as vector from findings
where tenant = %(tenant)s and id = any(%(ids)s::text[]) and embedder = %(embedder)s and vector is not null;

-- name: keep_vectors
-- Keep the vectors of what is known, in place of those of another embedder.
update findings as f set embedder = %(embedder)s, vector = new.vector::halfvec
from unnest(%(ids)s::text[], %(vectors)s::text[]) as new (id, vector)
where f.tenant = %(tenant)s and f.id = new.id;
