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
-- Reserve when every ceiling leaves room, else return the ceilings that do not, and whether some of what is reserved has
-- expired. It must follow `hold`: as a statement of its own it sees what others committed before they let go of the lock.
with reached as (
  select d.scope, d.name, d.ceiling, d.token_ceiling
  from unnest(%(scopes)s::text[], %(names)s::text[]) as own (scope, name)
  cross join lateral (
    select * from budget_days as one
    where one.tenant = %(tenant)s and one.day = %(day)s and one.scope = own.scope and one.name = own.name offset 0) as d
  where ((%(dollars)s > 0 and d.spent + d.reserved + %(dollars)s > d.ceiling)
      or (%(tokens)s > 0 and d.tokens + d.reserved_tokens + %(tokens)s > d.token_ceiling))
    and not exists (select from budget_reservations where tenant = %(tenant)s and id = %(id)s)
), kept as (
  insert into budget_reservations (tenant, id, day, flow, person, place, dollars, tokens, expires_at, counted)
  select %(tenant)s, %(id)s, %(day)s, %(flow)s, %(person)s, %(place)s, %(dollars)s, %(tokens)s,
         %(now)s + make_interval(secs => %(lease)s), true
  where not exists (select from reached)
  on conflict (tenant, id) do nothing
  returning dollars, tokens
), counted as (
  update budget_days as d
  set reserved = d.reserved + kept.dollars, reserved_tokens = d.reserved_tokens + kept.tokens from kept
  where d.tenant = %(tenant)s and d.day = %(day)s
    and (d.scope, d.name) in (select * from unnest(%(scopes)s::text[], %(names)s::text[]))
)
select reached.*, exists (
  select from budget_reservations
  where tenant = %(tenant)s and day = %(day)s and counted and expires_at <= %(now)s) as expired
from reached;

-- name: hold_all
-- Lock all rows of a day in the order that all keep.
select from budget_days where tenant = %(tenant)s and day = %(day)s
order by array_position(array['tenant', 'flow', 'user', 'outsiders', 'outsider'], scope), name
for update;

-- name: let_go
-- Give back what calls have reserved that did not end in time. What they cost is still counted when they do.
with expired as (
  update budget_reservations set counted = false
  where tenant = %(tenant)s and day = %(day)s and counted and expires_at <= %(now)s
  returning flow, person, place, dollars, tokens
), freed as (
  select d.scope, d.name, sum(e.dollars) as dollars, sum(e.tokens) as tokens
  from budget_days as d join expired as e on budget_counts(d.scope, d.name, e.flow, e.person, e.place)
  where d.tenant = %(tenant)s and d.day = %(day)s
  group by 1, 2
)
update budget_days as d
set reserved = d.reserved - freed.dollars, reserved_tokens = d.reserved_tokens - freed.tokens from freed
where d.tenant = %(tenant)s and d.day = %(day)s and (d.scope, d.name) = (freed.scope, freed.name);

-- name: hold_again
-- Lock the rows of a reservation in the order that all keep.
with held as materialized (
  select day, flow, person, place from budget_reservations where tenant = %(tenant)s and id = %(id)s
), own as materialized (
  select held.day, each.* from held, budgets_of(%(tenant)s, held.flow, held.person, held.place) as each order by rank
)
select from own cross join lateral (
  select from budget_days as d
  where d.tenant = %(tenant)s and d.day = own.day and d.scope = own.scope and d.name = own.name for update) as locked;

-- name: commit
-- Turn a reservation into what was spent on its day; without an amount all of it. The second time it is gone.
with settled as (
  delete from budget_reservations where tenant = %(tenant)s and id = %(id)s
  returning day, flow, person, place, coalesce(%(dollars)s::numeric, dollars) as dollars,
            case when tokens > 0 then coalesce(%(tokens)s::numeric, tokens) else 0 end as tokens,
            case when counted then dollars else 0 end as held, case when counted then tokens else 0 end as held_tokens
)
update budget_days as d
set spent = d.spent + s.dollars, tokens = d.tokens + s.tokens,
    reserved = d.reserved - s.held, reserved_tokens = d.reserved_tokens - s.held_tokens
from settled as s, budgets_of(%(tenant)s, s.flow, s.person, s.place) as own
where d.tenant = %(tenant)s and d.day = s.day and d.scope = own.scope and d.name = own.name;

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
