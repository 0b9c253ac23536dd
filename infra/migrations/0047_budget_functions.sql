-- A budget is locked for the length of a reservation, and planning the statements took three quarters of that. As functions
-- they are planned once for each connection. Plans that read no table as a whole are right for a table of any size.

-- Makes the day's rows of a caller, sets the ceilings in force, locks the rows in the order that all keep, and reserves when
-- every ceiling leaves room; else it returns the ceilings that do not, and whether some of what is reserved has expired.
create function reserve_budget(
  of_tenant text, of_day date, of_id text, of_flow text, of_person text, of_place text, scopes text[], names text[],
  ceilings numeric[], token_ceilings numeric[], of_dollars numeric, of_tokens numeric, at timestamptz, lease float8
) returns table (scope text, name text, ceiling numeric, token_ceiling numeric, expired boolean)
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off as $$
#variable_conflict use_column
begin
  -- A conflict locks also where it changes nothing.
  insert into budget_days (tenant, day, scope, name, ceiling, token_ceiling)
  select of_tenant, of_day, each.scope, each.name, each.ceiling, each.token_ceiling
  from unnest(scopes, names, ceilings, token_ceilings) with ordinality as each (scope, name, ceiling, token_ceiling, place)
  order by each.place
  on conflict (tenant, day, scope, name) do update
  set ceiling = excluded.ceiling, token_ceiling = excluded.token_ceiling
  where (budget_days.ceiling, budget_days.token_ceiling)
    is distinct from (excluded.ceiling, excluded.token_ceiling);

  -- As a statement of its own it sees what others committed before they let go of the lock.
  return query
  with reached as (
    select d.scope, d.name, d.ceiling, d.token_ceiling
    from unnest(scopes, names) as own (scope, name)
    cross join lateral (
      select * from budget_days as one
      where one.tenant = of_tenant and one.day = of_day and one.scope = own.scope and one.name = own.name offset 0) as d
    where ((of_dollars > 0 and d.spent + d.reserved + of_dollars > d.ceiling)
        or (of_tokens > 0 and d.tokens + d.reserved_tokens + of_tokens > d.token_ceiling))
      and not exists (select from budget_reservations as r where r.tenant = of_tenant and r.id = of_id)
  ), kept as (
    insert into budget_reservations (tenant, id, day, flow, person, place, dollars, tokens, expires_at, counted)
    select of_tenant, of_id, of_day, of_flow, of_person, of_place, of_dollars, of_tokens,
           at + make_interval(secs => lease), true
    where not exists (select from reached)
    on conflict (tenant, id) do nothing
    returning dollars, tokens
  ), counted as (
    update budget_days as d
    set reserved = d.reserved + kept.dollars, reserved_tokens = d.reserved_tokens + kept.tokens
    from kept, unnest(scopes, names) as own (scope, name)
    where d.tenant = of_tenant and d.day = of_day and d.scope = own.scope and d.name = own.name
  )
  select reached.*, exists (
    select from budget_reservations as r
    where r.tenant = of_tenant and r.day = of_day and r.counted and r.expires_at <= at)
  from reached;
end $$;

-- Turns a reservation into what was spent on its day; without an amount all of it. The second time it is gone.
create function settle_budget(of_tenant text, of_id text, of_dollars numeric, of_tokens numeric) returns void
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off as $$
#variable_conflict use_column
begin
  -- Locks the rows of the reservation in the order that all keep.
  perform from (
    select held.day, each.* from budget_reservations as held, budgets_of(of_tenant, held.flow, held.person, held.place) as each
    where held.tenant = of_tenant and held.id = of_id order by rank
  ) as own cross join lateral (
    select from budget_days as d
    where d.tenant = of_tenant and d.day = own.day and d.scope = own.scope and d.name = own.name for update) as locked;

  with settled as (
    delete from budget_reservations where tenant = of_tenant and id = of_id
    returning day, flow, person, place, coalesce(of_dollars, dollars) as dollars,
              case when tokens > 0 then coalesce(of_tokens, tokens) else 0 end as tokens,
              case when counted then dollars else 0 end as held, case when counted then tokens else 0 end as held_tokens
  )
  update budget_days as d
  set spent = d.spent + s.dollars, tokens = d.tokens + s.tokens,
      reserved = d.reserved - s.held, reserved_tokens = d.reserved_tokens - s.held_tokens
  from settled as s, budgets_of(of_tenant, s.flow, s.person, s.place) as own
  where d.tenant = of_tenant and d.day = s.day and d.scope = own.scope and d.name = own.name;
end $$;

-- They reserve in the account's limits in the same way.
alter function reserve_model_call set plan_cache_mode = force_generic_plan;
alter function reserve_model_call set enable_seqscan = off;
alter function settle_model_call set plan_cache_mode = force_generic_plan;
alter function settle_model_call set enable_seqscan = off;
