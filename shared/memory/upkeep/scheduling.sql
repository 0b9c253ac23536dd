-- name: pending_facts
-- The tenants with conversations that facts could be taken from.
select pending_facts() as tenant;

-- name: pending_vectors
-- The tenants with memories that the current embedder has no vector for.
select pending_vectors() as tenant;

-- name: pending_consolidation
-- The tenants with memories to merge, supersede, lower or drop.
select pending_consolidation() as tenant;
