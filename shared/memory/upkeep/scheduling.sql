-- name: pending_facts
-- Read the tenants with conversations to extract facts from.
select pending_facts() as tenant;

-- name: pending_vectors
-- Read the tenants with memories that lack a vector of the current embedder.
select pending_vectors() as tenant;

-- name: pending_consolidation
-- Read the tenants with memories to merge, supersede, lower or drop.
select pending_consolidation() as tenant;
