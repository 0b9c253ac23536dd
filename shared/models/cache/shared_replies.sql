-- name: find
-- The reply, or whose turn it is: a reply is counted as used; where nobody has one in force, `owner` claims the row.
-- A poll while another holds the claim only reads.
with hit as (
  update prompt_cache set hits = hits + 1, used_at = now()
  where tenant = %(tenant)s and key = %(key)s and reply is not null and expires_at > now()
  returning reply, expires_at
),
waiting as (
  select owner from prompt_cache
  where tenant = %(tenant)s and key = %(key)s and reply is null and expires_at > now()
    and owner is distinct from %(owner)s
),
claimed as (
  insert into prompt_cache (tenant, key, model, owner, expires_at)
  select %(tenant)s, %(key)s, %(model)s, %(owner)s, now() + make_interval(secs => %(lease)s)
  where not exists (select from hit) and not exists (select from waiting)
  on conflict (tenant, key) do update
  set reply = null, owner = excluded.owner, expires_at = excluded.expires_at
  where prompt_cache.expires_at <= now() or prompt_cache.owner = excluded.owner
  returning key
)
select hit.reply::text as reply, extract(epoch from hit.expires_at - now())::float8 as fresh_for,
       exists (select from claimed) as claimed,
       exists (select from waiting where owner is null) as not_worth_keeping,
       set_config('synchronous_commit', 'off', true) as unhurried
from (values (1)) as one left join hit on true;

-- name: discard
-- End a reply that cannot be read or is not valid, unless it was replaced since.
update prompt_cache set reply = null, owner = null, expires_at = now()
where tenant = %(tenant)s and key = %(key)s and expires_at > now() and reply::text = %(reply)s;

-- name: release
-- Give up a claim after a failure, so that the next one tries at once.
update prompt_cache set owner = null, expires_at = now()
where tenant = %(tenant)s and key = %(key)s and owner = %(owner)s;

-- name: excuse
-- Give up a claim because the reply was not worth keeping: for a while nobody waits for another one.
update prompt_cache set owner = null, expires_at = now() + make_interval(secs => %(seconds)s)
where tenant = %(tenant)s and key = %(key)s and owner = %(owner)s;

-- name: lock
-- One store at a time per tenant, for the length of this transaction; a crash of the server may forget it.
insert into prompt_cache_totals (tenant) values (%(tenant)s)
on conflict (tenant) do update set bytes = prompt_cache_totals.bytes
returning set_config('synchronous_commit', 'off', true);

-- name: keep
-- Keep a reply, whoever holds the claim, and account for what it replaces. Says whether the tenant now has too much.
with old as (
  select bytes, hits, cost, tokens from prompt_cache where tenant = %(tenant)s and key = %(key)s
),
kept as (
  insert into prompt_cache (tenant, key, model, reply, bytes, cost, tokens, expires_at)
  values (%(tenant)s, %(key)s, %(model)s, %(reply)s, %(bytes)s, %(cost)s, %(tokens)s,
          now() + make_interval(secs => %(seconds)s))
  on conflict (tenant, key) do update
  set owner = null, reply = excluded.reply, bytes = excluded.bytes, cost = excluded.cost, tokens = excluded.tokens,
      hits = 0, used_at = now(), expires_at = excluded.expires_at
)
update prompt_cache_totals as t
set bytes = t.bytes + %(bytes)s - coalesce(old.bytes, 0),
    hits = t.hits + coalesce(old.hits, 0),
    saved = t.saved + coalesce(old.hits * old.cost, 0),
    saved_tokens = t.saved_tokens + coalesce(old.hits * old.tokens, 0)
from (values (1)) as one left join old on true
where t.tenant = %(tenant)s
returning t.bytes > %(most)s as too_much;

-- name: make_room
-- Delete some rows that are no longer in force and, when the tenant keeps more than `most` bytes, the replies whose last
-- use is longest ago, down to nine tenths, so that it is seldom done.
with ended as (
  select key from prompt_cache where tenant = %(tenant)s and expires_at <= now() order by expires_at limit 100
),
ranked as (
  select key, sum(bytes) over (order by used_at desc, key) as so_far
  from prompt_cache
  where tenant = %(tenant)s and reply is not null
    and (select bytes from prompt_cache_totals where tenant = %(tenant)s) > %(most)s
),
gone as (
  delete from prompt_cache
  where tenant = %(tenant)s and (expires_at <= now() or reply is not null)
    and key = any(array(select key from ended union select key from ranked where so_far > %(most)s * 0.9))
  returning bytes, hits, cost, tokens
)
update prompt_cache_totals as t
set bytes = t.bytes - sums.bytes, hits = t.hits + sums.hits, saved = t.saved + sums.saved,
    saved_tokens = t.saved_tokens + sums.saved_tokens
from (select sum(bytes) as bytes, sum(hits) as hits, coalesce(sum(hits * cost), 0) as saved,
             sum(hits * tokens) as saved_tokens
      from gone having count(*) > 0) as sums
where t.tenant = %(tenant)s;

-- name: savings
-- What the shared cache of a tenant has saved, and what it holds.
select coalesce(sum(hits), 0)::bigint as hits, coalesce(sum(saved), 0)::float8 as saved,
       coalesce(sum(saved_tokens), 0)::bigint as saved_tokens, coalesce(sum(bytes), 0)::bigint as bytes
from (
  select hits, saved, saved_tokens, bytes from prompt_cache_totals where tenant = %(tenant)s
  union all
  select hits, hits * cost, hits * tokens, 0 from prompt_cache where tenant = %(tenant)s
) as parts;

-- name: expire
-- Delete what is no longer in force, of every tenant.
select expire_prompts() as expired;
