-- name: kept
-- A request that waits for the repository that it means.
select body::text as body from events where tenant = %(tenant)s and id = %(id)s;
