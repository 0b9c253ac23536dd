-- What all functions together may ask of models, and how long the answers to each template are.

-- One row per entry of MODEL_LIMITS. It counts for the whole account at the vendor, so for all tenants together: no row
-- level security, and nothing of anybody's in it. What was used drains with time, as water from a leaking bucket.
create table model_buckets (
  name     text primary key,
  requests double precision not null default 0,
  tokens   double precision not null default 0,
  drained_at timestamptz not null default clock_timestamp(),
  day      date not null default (now() at time zone 'utc')::date,
  spent    double precision not null default 0
);

-- What was promised to calls that have not reported yet. A call that never does holds its dollars until it expires.
create table model_reservations (
  id         uuid not null,
  bucket     text not null references model_buckets on delete cascade,
  tokens     double precision not null,
  usd        double precision not null,
  wait       double precision not null,
  expires_at timestamptz not null,
  primary key (id, bucket)
);
create index model_reservations_by_bucket on model_reservations (bucket, expires_at);

grant select, insert, update, delete on model_buckets, model_reservations to agent_flows;

-- Reserves one call in all buckets or in none, and returns how many seconds the caller must wait for its turn. It is
-- granted when that is within its patience. Limits are [{"name", "rpm", "tpm", "usd_per_day"}], null where there is none.
-- A sixth of a minute's limit may be used at once and the rest drains evenly, so no 60 seconds hold more than the limit.
create function reserve_model_call(
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
    delete from model_reservations where bucket = asked.name and expires_at < clock_timestamp();
    select * into used from model_buckets where name = asked.name;
    seconds := greatest(extract(epoch from clock_timestamp() - used.drained_at), 0);
    update model_buckets set
      requests = greatest(0, requests - seconds * model_drain(asked.rpm)),
      tokens = greatest(0, tokens - seconds * model_drain(asked.tpm)),
      drained_at = greatest(drained_at, clock_timestamp()),
      spent = case when day < today then 0 else spent end,
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
    update model_buckets set requests = requests + 1, tokens = tokens + of_tokens
      where name in (select each ->> 'name' from jsonb_array_elements(limits) as each);
    insert into model_reservations (id, bucket, tokens, usd, wait, expires_at)
      select of_id, each ->> 'name', of_tokens, of_usd, reserve_model_call.wait,
        clock_timestamp() + make_interval(secs => lifetime)
      from jsonb_array_elements(limits) as each;
  end if;
end $$;

-- What drains from a bucket in a second: a sixth of the limit may come at once, the rest comes in a minute.
create function model_drain(per_minute double precision) returns double precision language sql immutable as $$
  select greatest(per_minute - greatest(per_minute / 6, 1), per_minute / 2) / 60
$$;

-- Puts what a call really used in the place of what it had reserved. A second time changes nothing.
create function settle_model_call(of_id uuid, of_tokens double precision, of_usd double precision) returns void
language plpgsql as $$
begin
  perform from model_buckets
    where name in (select bucket from model_reservations where id = of_id) order by name for update;
  with gone as (delete from model_reservations where id = of_id returning bucket, tokens)
  update model_buckets set tokens = greatest(0, model_buckets.tokens + of_tokens - gone.tokens), spent = spent + of_usd
  from gone where name = gone.bucket;
end $$;

-- How many tokens the answers to a template had: a count per size, see shared/models/output_limits.py.
create table output_sizes (
  tenant     text not null,
  template   text not null,
  model      text not null,
  size       int not null,
  answers    int not null,
  updated_at timestamptz not null default now(),
  primary key (tenant, template, model, size)
);
grant select, insert, update, delete on output_sizes to agent_flows;
alter table output_sizes enable row level security;
alter table output_sizes force row level security;
create policy tenant on output_sizes using (tenant = nullif(current_setting('app.tenant', true), ''));

-- Deletes what is known of templates of every tenant that nobody has used for so long, and counts it. It runs as its
-- owner: no tenant's function could do it.
create function expire_output_sizes(older_than interval) returns bigint
language sql security definer set search_path = public as $$
  with gone as (delete from output_sizes where updated_at < now() - older_than returning 1)
  select count(*) from gone
$$;
revoke execute on function expire_output_sizes from public;
grant execute on function expire_output_sizes to agent_flows;
