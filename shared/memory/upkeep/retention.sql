-- name: expire
-- Delete the memories of every tenant that are older than their kind is kept.
select expire_memories(%(kept)s::json) as memories;
