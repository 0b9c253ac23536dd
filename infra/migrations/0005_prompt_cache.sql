-- The prompt cache: replies of models under the hash of what was asked, shared by all functions of a tenant.

-- A row is in force until `expires_at`; after that anybody may claim or delete it. It is one of three:
--   a reply             `reply` is there
--   a claim             `owner` asks the model; the row ends with the lease
--   not worth keeping   neither: whoever asks now calls, and waits for nobody
-- `bytes` counts until the row is deleted or replaced, also under a new claim, so that the totals stay right.
create table prompt_cache (
  tenant       text not null,
  key          text not null,
  model        text not null,
  owner        text,
  reply        json,
  bytes        bigint not null default 0,
  cost         double precision,
  tokens       bigint not null default 0,
  hits         bigint not null default 0,
  used_at      timestamptz not null default now(),
  expires_at   timestamptz not null,
  primary key (tenant, key)
) with (fillfactor = 80);
-- A hit changes no indexed column, so it stays within its page; that is why nothing is indexed by `used_at`.
create index prompt_cache_by_end on prompt_cache (tenant, expires_at);

-- What each tenant keeps, and what the rows that are gone have saved. Its row is the lock of all that changes `bytes`.
create table prompt_cache_totals (
  tenant       text primary key,
  bytes        bigint not null default 0,
  hits         bigint not null default 0,
  saved        double precision not null default 0,
  saved_tokens bigint not null default 0
);

grant select, insert, update, delete on prompt_cache to agent_flows;
grant select, insert, update on prompt_cache_totals to agent_flows;
alter table prompt_cache enable row level security;
alter table prompt_cache_totals enable row level security;
create policy tenant on prompt_cache using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy tenant on prompt_cache_totals using (tenant = nullif(current_setting('app.tenant', true), ''));

-- Deletes the rows of every tenant that are no longer in force, and counts them. A tenant that asks models does it by
-- itself; this is for those that fell silent. It runs as its owner: no tenant's function could do it.
create function expire_prompts() returns bigint
language plpgsql security definer set search_path = public as $$
declare
  expired bigint;
begin
  perform from prompt_cache_totals order by tenant for update;
  with gone as (
    delete from prompt_cache where expires_at <= now() returning tenant, bytes, hits, cost, tokens
  ),
  sums as (
    select tenant, sum(bytes) as bytes, sum(hits) as hits, coalesce(sum(hits * cost), 0) as saved,
           sum(hits * tokens) as saved_tokens, count(*) as n
    from gone group by tenant
  ),
  settled as (
    update prompt_cache_totals as t
    set bytes = t.bytes - sums.bytes, hits = t.hits + sums.hits, saved = t.saved + sums.saved,
        saved_tokens = t.saved_tokens + sums.saved_tokens
    from sums where t.tenant = sums.tenant
  )
  select coalesce(sum(n), 0) into expired from sums;
  return expired;
end $$;
revoke execute on function expire_prompts from public;
grant execute on function expire_prompts to agent_flows;
