-- name: pending_facts
-- Read the tenants with conversations to extract facts from.
select pending_facts() as tenant;

-- name: pending_vectors
-- Read the tenants with memories that lack a vector of the current embedder.
select pending_vectors() as tenant;

-- name: pending_consolidation
-- Read the tenants with memories to merge, supersede, lower or drop.
select pending_consolidation() as tenant;

-- name: left_facts
-- When the next turns of a tenant are free to be looked at, and for how long the oldest have waited.
select extract(epoch from min(greatest(t.created_at + interval '1 minute', l.until)) - now())::float8 as seconds,
       extract(epoch from now() - min(t.created_at))::float8 as age
from turns as t left join fact_leases as l on (l.tenant, l.conversation) = (t.tenant, t.conversation)
where t.tenant = %(tenant)s and t.role = 'user' and t.looked_at is null and t.audience <> '';

-- name: left_vectors
-- For how long a tenant's change of embedders has been under way, or memories lack a vector of the one that answers.
select case when count(*) > 1 or bool_or(state = 'answering' and vectors_missing(%(tenant)s, embedder, now())) then 0.0
       end as seconds,
       extract(epoch from now() - max(since))::float8 as age
from memory_embedders where tenant = %(tenant)s;

-- name: left_consolidation
-- For how long a tenant's pass has been under way.
select 0.0 as seconds, extract(epoch from now() - started_at)::float8 as age
from consolidation_progress where tenant = %(tenant)s and finished_at is null;
