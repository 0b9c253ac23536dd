-- name: hold
-- Make the day's rows of a caller, set the ceilings in force, and lock them until the transaction ends, in the order
-- that all keep. A conflict locks also where it changes nothing.
insert into budget_days (tenant, day, scope, name, ceiling, token_ceiling)
select %(tenant)s, %(day)s, scope, name, ceiling, token_ceiling
from unnest(%(scopes)s::text[], %(names)s::text[], %(ceilings)s::numeric[], %(token_ceilings)s::numeric[])
  with ordinality as applying (scope, name, ceiling, token_ceiling, place)
order by place
on conflict (tenant, day, scope, name) do update
set ceiling = excluded.ceiling, token_ceiling = excluded.token_ceiling
where (budget_days.ceiling, budget_days.token_ceiling)
  is distinct from (excluded.ceiling, excluded.token_ceiling);

-- name: reserve
-- Reserve when every ceiling leaves room, else return the ceilings that do not. It must follow `hold`: as a statement
-- of its own it sees what others committed before they let go of the lock.
with reached as (
  select d.scope, d.name, d.ceiling, d.token_ceiling
  from budget_days as d, budget_in_flight(d.tenant, d.day, d.scope, d.name, %(now)s, %(id)s) as held
  where d.tenant = %(tenant)s and d.day = %(day)s
    and (d.scope, d.name) in (select * from unnest(%(scopes)s::text[], %(names)s::text[]))
    and ((%(dollars)s > 0 and d.spent + held.dollars + %(dollars)s > d.ceiling)
      or (%(tokens)s > 0 and d.tokens + held.tokens + %(tokens)s > d.token_ceiling))
), kept as (
  insert into budget_reservations (tenant, id, day, flow, person, place, dollars, tokens, expires_at)
  select %(tenant)s, %(id)s, %(day)s, %(flow)s, %(person)s, %(place)s, %(dollars)s, %(tokens)s,
         %(now)s + make_interval(secs => %(lease)s)
  where not exists (select from reached)
  on conflict (tenant, id) do nothing
)
select * from reached;

-- name: hold_again
-- Lock the rows of a reservation in the order that all keep.
select from budget_days as d
join budget_reservations as r on r.tenant = d.tenant and r.day = d.day
  and budget_counts(d.scope, d.name, r.flow, r.person, r.place)
where r.tenant = %(tenant)s and r.id = %(id)s
order by array_position(array['tenant', 'flow', 'user', 'outsiders', 'outsider'], d.scope)
for update of d;

-- name: commit
-- Turn a reservation into what was spent on its day; without an amount all of it. The second time it is gone.
with settled as (
  delete from budget_reservations where tenant = %(tenant)s and id = %(id)s
  returning day, flow, person, place, coalesce(%(dollars)s::numeric, dollars) as dollars,
            case when tokens > 0 then coalesce(%(tokens)s::numeric, tokens) else 0 end as tokens
)
update budget_days as d set spent = d.spent + s.dollars, tokens = d.tokens + s.tokens from settled as s
where d.tenant = %(tenant)s and d.day = s.day and budget_counts(d.scope, d.name, s.flow, s.person, s.place);

-- name: release
-- Give a reservation back: the call was not made, or cost nothing.
delete from budget_reservations where tenant = %(tenant)s and id = %(id)s;

-- name: spent
-- The days of a tenant, newest first, with what is reserved now.
select d.scope, d.name, d.day, d.spent, held.dollars as reserved, d.ceiling,
       d.tokens, held.tokens as reserved_tokens, d.token_ceiling
from budget_days as d, budget_in_flight(d.tenant, d.day, d.scope, d.name, %(now)s) as held
where d.tenant = %(tenant)s and d.day > %(day)s - %(days)s
order by d.day desc, array_position(array['tenant', 'flow', 'user', 'outsiders', 'outsider'], d.scope), d.spent desc,
         d.tokens desc, d.name;

-- name: notice
-- Remember that a refusal was said today in this conversation; no row when it was, or when enough were said in its place.
insert into budget_notices (tenant, day, conversation, place)
select %(tenant)s, today, %(conversation)s, %(place)s from (select (now() at time zone 'utc')::date as today) as now
where (select count(*) from budget_notices
       where tenant = %(tenant)s and day = today and place = %(place)s) < %(most)s
on conflict do nothing
returning conversation;
