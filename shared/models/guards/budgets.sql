-- name: reserve
-- Reserve when every ceiling leaves room, else return the ceilings that do not, and whether some of what is reserved has
-- expired. It locks the rows until the transaction ends; see infra/migrations/0047_budget_functions.sql.
select * from reserve_budget(
  %(tenant)s, %(day)s, %(id)s, %(flow)s, %(person)s, %(place)s, %(scopes)s::text[], %(names)s::text[],
  %(ceilings)s::numeric[], %(token_ceilings)s::numeric[], %(dollars)s, %(tokens)s, %(now)s, %(lease)s);

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

-- name: commit
-- Turn a reservation into what was spent on its day; without an amount all of it. The second time it is gone.
select settle_budget(%(tenant)s, %(id)s, %(dollars)s::numeric, %(tokens)s::numeric);

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
