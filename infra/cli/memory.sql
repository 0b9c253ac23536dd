-- name: tenants
-- Whom something happened for.
select distinct tenant from events order by tenant;
