-- name: tenants
-- Whom something happened for, or who remembers something. What the clock starts belongs to nobody.
select tenant from events where tenant <> 'schedule'
union select tenant from memory_embedders
order by tenant;
