-- Budgets: what was spent on models per day (UTC) and ceiling, and what is reserved for calls that are under way.

-- One row per tenant, flow and user of a day. `ceiling` is the one that was last in force; null is none. Whoever
-- reserves or commits locks the tenant's row first, so no two can wait for each other.
create table budget_days (
  tenant  text not null,
  day     date not null,
  scope   text not null check (scope in ('tenant', 'flow', 'user')),
  name    text not null,
  spent   numeric not null default 0,
  ceiling numeric,
  primary key (tenant, day, scope, name)
);

-- One row per call under way. It goes when the call is settled. After `expires_at` it no longer counts.
create table budget_reservations (
  tenant     text not null,
  id         text not null,
  day        date not null,
  flow       text not null,
  person     text not null,
  dollars    numeric not null,
  expires_at timestamptz not null,
  primary key (tenant, id)
);
create index budget_reservations_by_day on budget_reservations (tenant, day);

grant select, insert, update, delete on budget_days, budget_reservations to agent_flows;
alter table budget_days enable row level security;
alter table budget_reservations enable row level security;
create policy tenant on budget_days using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy tenant on budget_reservations using (tenant = nullif(current_setting('app.tenant', true), ''));

-- What the calls under way may still cost one tenant, flow or user, but for one of them.
create function budget_reserved(
  of_tenant text, of_day date, of_scope text, of_name text, at timestamptz, but text default ''
) returns numeric language sql stable as $$
  select coalesce(sum(dollars), 0) from budget_reservations
  where tenant = of_tenant and day = of_day and expires_at > at and id <> but
    and case of_scope when 'tenant' then true when 'flow' then flow = of_name else person = of_name end
$$;

-- Deletes the days of every tenant that are older than that. It runs as its owner: no tenant's function could do it.
create function expire_budgets(older_than interval) returns bigint
language sql security definer set search_path = public as $$
  delete from budget_reservations where day < (now() - older_than)::date and expires_at < now();
  with gone as (delete from budget_days where day < (now() - older_than)::date returning 1)
  select count(*) from gone
$$;
revoke execute on function expire_budgets from public;
grant execute on function expire_budgets to agent_flows;
