-- Batches: the requests that runs have handed over, and the batches that carry them to a provider.
-- A request belongs to a tenant. A batch carries the requests of all tenants for one model, so only functions that
-- run as their owner see batches, or requests across tenants; agent_flows may call these and nothing more.

alter table runs drop constraint runs_state_check;
alter table runs add constraint runs_state_check
  check (state in ('running', 'retrying', 'parked', 'done', 'failed', 'waiting'));

-- The row of a batch is committed before the provider hears of it; `handle` is what the provider calls it.
create table batches (
  name         text primary key,
  model        text not null,
  state        text not null default 'named' check (state in ('named', 'submitted', 'settled')),
  handle       text,
  reason       text not null default '',
  lease_owner  text not null,
  lease_until  timestamptz not null,
  named_at     timestamptz not null default now(),
  settled_at   timestamptz
);
create index batches_open on batches (named_at) where state <> 'settled';

-- `id` is the hash of tenant, model and request: equal requests travel once. `woken_at` is when its run was told.
create table batch_requests (
  tenant      text not null,
  run_id      text not null,
  id          text not null,
  model       text not null,
  request     json not null,
  deadline    timestamptz not null,
  state       text not null default 'queued' check (state in ('queued', 'submitted', 'done', 'failed')),
  batch       text references batches,
  attempts    int not null default 0,
  due_at      timestamptz not null default now(),
  reply       json,
  cost        double precision,
  shared      boolean not null default false,
  reason      text not null default '',
  wanted_at   timestamptz not null default now(),
  settled_at  timestamptz,
  woken_at    timestamptz,
  primary key (tenant, run_id, id),
  foreign key (tenant, run_id) references runs on delete cascade
);
create index batch_requests_queued on batch_requests (model, wanted_at) where state = 'queued';
create index batch_requests_of_batch on batch_requests (batch, id);
create index runs_parked on runs (started_at) where state = 'parked';

grant select, insert on batch_requests to agent_flows;
alter table batch_requests enable row level security;
create policy tenant on batch_requests using (tenant = nullif(current_setting('app.tenant', true), ''));

-- Gives up what no batch can answer in time any more, and counts it.
create function give_up_batch_requests(margin interval) returns bigint
language sql security definer set search_path = public, pg_temp as $$
  with late as (
    update batch_requests set state = 'failed', reason = 'no answer before the deadline', settled_at = now()
    where state in ('queued', 'submitted') and deadline < now() + margin returning 1)
  select count(*) from late
$$;

create function models_queued() returns table (model text)
language sql security definer set search_path = public, pg_temp as $$
  select distinct r.model from batch_requests r where r.state = 'queued' and r.due_at <= now()
$$;

-- Puts what is queued for a model into a new batch and returns how many different requests that is: none when it
-- would be fewer than `at_least`. Two dispatchers never take the same row. Called again, it changes nothing.
create function name_batch(
  of_name text, of_model text, of_owner text, lease interval, at_least int, at_most int, most_bytes bigint
) returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
  taken bigint;
begin
  insert into batches (name, model, lease_owner, lease_until)
    values (of_name, of_model, of_owner, now() + lease) on conflict do nothing;
  if found then
    with free as (
      select r.tenant, r.run_id, r.id, r.wanted_at, octet_length(r.request::text) as bytes
      from batch_requests r where r.state = 'queued' and r.model = of_model and r.due_at <= now()
      order by r.wanted_at limit at_most for update skip locked),
    fitting as (
      select f.*, sum(f.bytes) over before as total, row_number() over before as position
      from free f window before as (order by f.wanted_at, f.tenant, f.run_id, f.id))
    update batch_requests r set state = 'submitted', batch = of_name, attempts = r.attempts + 1
      from fitting f
      where (r.tenant, r.run_id, r.id) = (f.tenant, f.run_id, f.id) and (f.total <= most_bytes or f.position = 1);
  end if;
  select count(distinct id) into taken from batch_requests where batch = of_name and state = 'submitted';
  if taken < greatest(at_least, 1) then
    update batch_requests set state = 'queued', batch = null, attempts = attempts - 1 where batch = of_name;
    delete from batches where name = of_name;
    return 0;
  end if;
  return taken;
end $$;

create function batch_items(of_name text) returns table (id text, request json)
language sql security definer set search_path = public, pg_temp as $$
  select distinct on (r.id) r.id, r.request from batch_requests r
  where r.batch = of_name and r.state = 'submitted' order by r.id
$$;

-- Fails what is queued for a model that cannot have batches, and counts it.
create function refuse_batch_requests(of_model text, of_reason text) returns bigint
language sql security definer set search_path = public, pg_temp as $$
  with refused as (
    update batch_requests set state = 'failed', reason = of_reason, settled_at = now()
    where state = 'queued' and model = of_model returning 1)
  select count(*) from refused
$$;

-- Takes the lease of every batch that is not settled and that nobody else holds. `since` is in seconds since the
-- epoch, `waiting` the number of rows that still want an answer of it, `other` the handles of the batches named
-- since a minute before it.
create function hold_batches(of_owner text, lease interval)
returns table (name text, model text, handle text, since double precision, waiting bigint, other text[])
language sql security definer set search_path = public, pg_temp as $$
  with free as (
    select b.name from batches b
    where b.state <> 'settled' and (b.lease_until < now() or b.lease_owner = of_owner) for update skip locked),
  held as (
    update batches b set lease_owner = of_owner, lease_until = now() + lease from free f where b.name = f.name
    returning b.*)
  select h.name, h.model, h.handle, extract(epoch from h.named_at)::float8,
         (select count(*) from batch_requests r where r.batch = h.name and r.state = 'submitted'),
         array(select b.handle from batches b where b.handle is not null and b.model = h.model
               and b.named_at > h.named_at - interval '1 minute')
  from held h order by h.named_at
$$;

create function free_batch(of_name text, of_owner text) returns void
language sql security definer set search_path = public, pg_temp as $$
  update batches set lease_until = now() where name = of_name and lease_owner = of_owner
$$;

-- Keeps what the provider calls the batch; false when another dispatcher has taken the lease meanwhile.
create function record_batch(of_name text, of_owner text, of_handle text) returns boolean
language sql security definer set search_path = public, pg_temp as $$
  with kept as (
    update batches set state = 'submitted', handle = of_handle
    where name = of_name and lease_owner = of_owner and (state = 'named' or handle = of_handle) returning 1)
  select exists (select from kept)
$$;

-- Stores results: a reply, or a reason and whether another attempt is worth it. Of equal requests the first pays.
create function settle_batch_requests(
  of_name text, ids text[], replies json[], costs float8[], reasons text[], retries boolean[],
  most_attempts int, margin interval, pause interval
) returns void language sql security definer set search_path = public, pg_temp as $$
  with outcomes as (
    select * from unnest(ids, replies, costs, reasons, retries) as o (id, reply, cost, reason, retry)),
  ranked as (
    select r.tenant, r.run_id, o.*,
           row_number() over (partition by r.id order by r.wanted_at, r.run_id) > 1 as another,
           o.retry and r.attempts < most_attempts and r.deadline > now() + margin as again
    from batch_requests r join outcomes o using (id)
    where r.batch = of_name and r.state = 'submitted')
  update batch_requests r
  set state = case when k.reply is not null then 'done' when k.again then 'queued' else 'failed' end,
      batch = case when k.reply is null and k.again then null else r.batch end,
      due_at = now() + pause * r.attempts,
      reply = k.reply, reason = k.reason, shared = k.another,
      cost = case when k.another then 0 else k.cost end,
      settled_at = case when k.reply is null and k.again then null else now() end
  from ranked k where (r.tenant, r.run_id, r.id) = (k.tenant, k.run_id, k.id)
$$;

-- Ends a batch: what it has not answered is queued again or fails. Settled batches that nobody needs are deleted.
create function settle_batch(
  of_name text, of_reason text, of_retry boolean, most_attempts int, margin interval, pause interval
) returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
  unanswered text[] := array(select distinct id from batch_requests where batch = of_name and state = 'submitted');
  size int := cardinality(unanswered);
begin
  perform settle_batch_requests(
    of_name, unanswered, array_fill(null::json, array[size]), array_fill(null::float8, array[size]),
    array_fill(of_reason, array[size]), array_fill(of_retry, array[size]), most_attempts, margin, pause);
  update batches set state = 'settled', reason = of_reason, settled_at = now() where name = of_name and state <> 'settled';
  delete from batches b where b.settled_at < now() - interval '30 days'
    and not exists (select from batch_requests r where r.batch = b.name);
end $$;

-- The parked runs whose requests are all settled, with their events. One that was woken an hour ago and still rests
-- is woken again: its message was given up.
create function runs_to_wake(at_most int)
returns table (tenant text, run_id text, attempts int, event text)
language sql security definer set search_path = public, pg_temp as $$
  select runs.tenant, runs.id, runs.attempts, events.body::text
  from runs join events on (events.tenant, events.id) = (runs.tenant, runs.event_id)
  where runs.state = 'parked' and (
    select bool_and(r.state in ('done', 'failed'))
           and bool_or(r.woken_at is null or r.woken_at < now() - interval '1 hour')
    from batch_requests r where (r.tenant, r.run_id) = (runs.tenant, runs.id))
  order by runs.started_at limit at_most
$$;

create function woke_run(of_tenant text, of_run text) returns void
language sql security definer set search_path = public, pg_temp as $$
  update batch_requests set woken_at = now()
  where tenant = of_tenant and run_id = of_run and state in ('done', 'failed')
$$;

do $$
declare
  one regprocedure;
begin
  foreach one in array array[
    'give_up_batch_requests(interval)', 'models_queued()', 'batch_items(text)', 'refuse_batch_requests(text, text)',
    'name_batch(text, text, text, interval, int, int, bigint)', 'hold_batches(text, interval)',
    'free_batch(text, text)', 'record_batch(text, text, text)',
    'settle_batch_requests(text, text[], json[], float8[], text[], boolean[], int, interval, interval)',
    'settle_batch(text, text, boolean, int, interval, interval)', 'runs_to_wake(int)', 'woke_run(text, text)'
  ]::regprocedure[] loop
    execute format('revoke execute on function %s from public', one);
    execute format('grant execute on function %s to agent_flows', one);
  end loop;
end $$;
