-- What people from outside may spend, in dollars or else in tokens; and signed bodies that come again.

-- Models without a known price count in tokens. `place` is the repository or channel where somebody from outside caused
-- the call, and empty for everybody else.
alter table budget_days
  add column tokens numeric not null default 0,
  add column token_ceiling numeric,
  drop constraint budget_days_scope_check,
  add constraint budget_days_scope_check check (scope in ('tenant', 'flow', 'user', 'outsiders', 'outsider'));
alter table budget_reservations
  add column tokens numeric not null default 0,
  add column place text not null default '';

-- Whether a budget counts a call of this flow, person and place.
create function budget_counts(of_scope text, of_name text, flow text, person text, place text) returns boolean
language sql immutable as $$
  select case of_scope
    when 'tenant' then true
    when 'flow' then flow = of_name
    when 'user' then person = of_name
    when 'outsiders' then place = of_name
    else place <> '' and person = of_name
  end
$$;

-- What the calls under way may still cost one budget, but for one of them.
create function budget_in_flight(
  of_tenant text, of_day date, of_scope text, of_name text, at timestamptz, but text default '',
  out dollars numeric, out tokens numeric
) language sql stable as $$
  select coalesce(sum(r.dollars), 0), coalesce(sum(r.tokens), 0) from budget_reservations as r
  where r.tenant = of_tenant and r.day = of_day and r.expires_at > at and r.id <> but
    and budget_counts(of_scope, of_name, r.flow, r.person, r.place)
$$;
drop function budget_reserved;

-- The conversations in which somebody from outside was told today that a budget has no room.
create table budget_notices (
  tenant       text not null,
  day          date not null,
  conversation text not null,
  place        text not null,
  primary key (tenant, day, conversation)
);
grant select, insert on budget_notices to agent_flows;
grant select, delete on budget_notices to agent_flows_definer;
alter table budget_notices enable row level security;
alter table budget_notices force row level security;
create policy tenant on budget_notices using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on budget_notices to agent_flows_definer using (true);

create or replace function expire_budgets(older_than interval) returns bigint
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  delete from budget_reservations where day < (now() - older_than)::date and expires_at < now();
  delete from budget_notices where day < (now() - older_than)::date;
  with gone as (delete from budget_days where day < (now() - older_than)::date returning 1)
  select count(*) from gone
$$;

-- Repeats: a signed body that a flow has had is no new event under another id. GitHub signs the body alone, so whoever
-- has a signed delivery could send it again as another.

alter table runs add column digest text not null default '';
create index runs_by_digest on runs (tenant, flow, digest) where digest <> '';

-- Whether the flow began another run for this body within ten minutes. A run that exists goes on.
create function is_repeat(of_tenant text, of_flow text, of_digest text, of_run text) returns boolean
language sql stable as $$
  select of_digest <> ''
    and exists (select from runs where tenant = of_tenant and flow = of_flow and digest = of_digest
                                   and id <> of_run and started_at > now() - interval '10 minutes')
    and not exists (select from runs where tenant = of_tenant and id = of_run)
$$;
