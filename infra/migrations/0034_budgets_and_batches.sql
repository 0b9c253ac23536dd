-- What is reserved of a budget is a number in its row: to add up all calls under way took the longer the more there were,
-- while everybody else of the tenant waited. What nobody settles of the account's limits is spent. And a request that a
-- provider refuses leaves its batch alone.

alter table budget_days
  add column reserved numeric not null default 0,
  add column reserved_tokens numeric not null default 0;
-- Each call changes the row twice: within its page that touches no index.
alter table budget_days set (fillfactor = 50);
-- Whether the row of its budgets counts it: not when it has expired, nor when an older version made it.
alter table budget_reservations add column counted boolean not null default false;
create index budget_reservations_counted on budget_reservations (tenant, day, expires_at) where counted;
-- A reservation is found by its id. By its day one would find all of that day.
drop index budget_reservations_by_day;

-- The budgets that count a call, as budget_counts says, in the order in which all lock them.
create function budgets_of(tenant text, flow text, person text, place text)
returns table (scope text, name text, rank int) language sql immutable as $$
  values ('tenant', tenant, 1), ('flow', flow, 2), ('user', person, 3), ('outsiders', place, 4),
         ('outsider', case when place <> '' then person end, 5)
$$;

alter table budget_days no force row level security;
alter table budget_reservations no force row level security;
update budget_reservations set counted = true;
update budget_days as d set reserved = held.dollars, reserved_tokens = held.tokens
from (
  select d.tenant, d.day, d.scope, d.name, sum(r.dollars) as dollars, sum(r.tokens) as tokens
  from budget_days as d join budget_reservations as r on r.tenant = d.tenant and r.day = d.day
    and budget_counts(d.scope, d.name, r.flow, r.person, r.place)
  group by 1, 2, 3, 4
) as held
where (d.tenant, d.day, d.scope, d.name) = (held.tenant, held.day, held.scope, held.name);
alter table budget_days force row level security;
alter table budget_reservations force row level security;

-- Puts what a call really used in the place of what it had reserved; all of that where nobody knows. A second time changes
-- nothing.
create or replace function settle_model_call(of_id uuid, of_tokens double precision, of_usd double precision) returns void
language plpgsql as $$
begin
  perform from model_buckets
    where name in (select bucket from model_reservations where id = of_id) order by name for update;
  with gone as (delete from model_reservations where id = of_id returning bucket, tokens, usd)
  update model_buckets
  set tokens = greatest(0, model_buckets.tokens + coalesce(of_tokens, gone.tokens) - gone.tokens),
      spent = spent + coalesce(of_usd, gone.usd)
  from gone where name = gone.bucket;
end $$;

-- As in 0004_model_limits.sql, but the dollars of a call that was never settled count as spent on the day on which it
-- expired: its function died, perhaps after the model had answered.
create or replace function reserve_model_call(
  of_id uuid, limits jsonb, of_tokens double precision, of_usd double precision,
  patience double precision, lifetime double precision,
  out granted boolean, out wait double precision, out because text
) language plpgsql as $$
declare
  asked record;
  used model_buckets;
  at_once double precision;
  seconds double precision;
  promised double precision;
  lost double precision;
  today date := (clock_timestamp() at time zone 'utc')::date;
begin
  insert into model_buckets (name) select each ->> 'name' from jsonb_array_elements(limits) as each order by 1
    on conflict do nothing;
  perform from model_buckets where name in (select each ->> 'name' from jsonb_array_elements(limits) as each)
    order by name for update;
  granted := true; wait := 0; because := '';

  -- The same id again: the answer got lost on its way.
  select max(r.wait) into seconds from model_reservations r where r.id = of_id;
  if seconds is not null then
    wait := seconds;
    return;
  end if;

  for asked in select * from jsonb_to_recordset(limits)
      as each (name text, rpm double precision, tpm double precision, usd_per_day double precision) loop
    with gone as (
      delete from model_reservations where bucket = asked.name and expires_at < clock_timestamp()
      returning usd, expires_at)
    select coalesce(sum(usd), 0) into lost from gone where (expires_at at time zone 'utc')::date = today;
    select * into used from model_buckets where name = asked.name;
    seconds := greatest(extract(epoch from clock_timestamp() - used.drained_at), 0);
    update model_buckets set
      requests = greatest(0, requests - seconds * model_drain(asked.rpm)),
      tokens = greatest(0, tokens - seconds * model_drain(asked.tpm)),
      drained_at = greatest(drained_at, clock_timestamp()),
      spent = lost + case when day < today then 0 else spent end,
      day = greatest(day, today)
    where name = asked.name returning * into used;

    if asked.rpm is not null then
      at_once := greatest(asked.rpm / 6, 1);
      seconds := (used.requests + 1 - at_once) / model_drain(asked.rpm);
      if seconds > wait then wait := seconds; because := asked.name || ' rpm'; end if;
    end if;
    if asked.tpm is not null then
      -- A call of more than that goes through alone.
      at_once := greatest(asked.tpm / 6, of_tokens);
      seconds := (used.tokens + of_tokens - at_once) / model_drain(asked.tpm);
      if seconds > wait then wait := seconds; because := asked.name || ' tpm'; end if;
    end if;
    if asked.usd_per_day is not null then
      select coalesce(sum(usd), 0) into promised from model_reservations where bucket = asked.name;
      if used.spent + promised + of_usd > asked.usd_per_day + 1e-9 then -- sums of dollars are not exact
        granted := false;
        seconds := extract(epoch from (today + 1) - (clock_timestamp() at time zone 'utc'));
        if seconds > wait then wait := seconds; because := asked.name || ' usd_per_day'; end if;
      end if;
    end if;
  end loop;

  granted := granted and wait <= patience;
  if granted then
    -- What has no limit a minute, as a batch, fills none.
    update model_buckets set
      requests = requests + case when each.rpm is null then 0 else 1 end,
      tokens = tokens + case when each.tpm is null then 0 else of_tokens end
    from jsonb_to_recordset(limits) as each (name text, rpm double precision, tpm double precision)
    where model_buckets.name = each.name;
    insert into model_reservations (id, bucket, tokens, usd, wait, expires_at)
      select of_id, each.name, case when each.tpm is null then 0 else of_tokens end, of_usd, reserve_model_call.wait,
        clock_timestamp() + make_interval(secs => lifetime)
      from jsonb_to_recordset(limits) as each (name text, tpm double precision);
  end if;
end $$;

-- Moves requests of a batch into a new one, with the same lease, and counts them: one that the provider refuses must not
-- fail the others. Done twice it changes nothing.
create function split_batch(of_name text, of_owner text, into_name text, ids text[], lease interval) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  moved bigint;
begin
  insert into batches (name, model, lease_owner, lease_until)
    select into_name, b.model, of_owner, now() + lease from batches as b
    where b.name = of_name and b.lease_owner = of_owner
    on conflict do nothing;
  update batch_requests set batch = into_name
    where batch = of_name and state = 'submitted' and id = any (ids)
      and exists (select from batches where name = into_name and lease_owner = of_owner);
  select count(distinct id) into moved from batch_requests where batch = into_name and state = 'submitted';
  return moved;
end $$;
revoke execute on function split_batch from public;
grant execute on function split_batch to agent_flows_operator;
grant create on schema public to agent_flows_definer;
alter function split_batch owner to agent_flows_definer;
revoke create on schema public from agent_flows_definer;
