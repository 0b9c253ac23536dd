-- name: hold
-- Make the day's rows of a caller, set the ceilings in force, and lock them until the transaction ends, the tenant's
-- first. A conflict locks also where it changes nothing.
insert into budget_days (tenant, day, scope, name, ceiling)
select %(tenant)s, %(day)s, scope, name, ceiling
from unnest(%(scopes)s::text[], %(names)s::text[], %(ceilings)s::numeric[])
  with ordinality as applying (scope, name, ceiling, place)
order by place
on conflict (tenant, day, scope, name) do update set ceiling = excluded.ceiling
where budget_days.ceiling is distinct from excluded.ceiling;

-- name: reserve
-- Reserve when every ceiling leaves room, else return the ceilings that do not. It must follow `hold`: as a statement
-- of its own it sees what others committed before they let go of the lock.
with reached as (
  select scope, name, ceiling from budget_days
  where tenant = %(tenant)s and day = %(day)s
    and (scope, name) in (select * from unnest(%(scopes)s::text[], %(names)s::text[]))
    and ceiling is not null
    and spent + budget_reserved(tenant, day, scope, name, %(now)s, %(id)s) + %(dollars)s > ceiling
), kept as (
  insert into budget_reservations (tenant, id, day, flow, person, dollars, expires_at)
  select %(tenant)s, %(id)s, %(day)s, %(flow)s, %(person)s, %(dollars)s, %(now)s + make_interval(secs => %(lease)s)
  where not exists (select from reached)
  on conflict (tenant, id) do nothing
)
select scope, name, ceiling from reached;

-- name: hold_tenant
-- Lock the tenant's row of the day of a reservation, which comes before its other rows.
select from budget_days
where tenant = %(tenant)s and scope = 'tenant'
  and day = (select day from budget_reservations where tenant = %(tenant)s and id = %(id)s) for update;

-- name: commit
-- Turn a reservation into what was spent on its day; without an amount all of it. The second time it is gone.
with settled as (
  delete from budget_reservations where tenant = %(tenant)s and id = %(id)s
  returning day, flow, person, coalesce(%(dollars)s::numeric, dollars) as dollars
)
update budget_days as d set spent = d.spent + s.dollars from settled as s
where d.tenant = %(tenant)s and d.day = s.day
  and case d.scope when 'tenant' then true when 'flow' then d.name = s.flow else d.name = s.person end;

-- name: release
-- Give a reservation back: the call was not made, or cost nothing.
delete from budget_reservations where tenant = %(tenant)s and id = %(id)s;

-- name: spent
-- The days of a tenant, newest first, with what is reserved now.
select scope, name, day, spent, budget_reserved(tenant, day, scope, name, %(now)s) as reserved, ceiling
from budget_days where tenant = %(tenant)s and day > %(day)s - %(days)s
order by day desc, array_position(array['tenant', 'flow', 'user'], scope), spent desc, name;
