-- name: tenants
-- Who spent something within so many days.
select distinct tenant from budget_days
where day > (now() at time zone 'utc')::date - %(days)s order by tenant;

-- name: saved
-- What the prompt caches have saved each tenant: ours since the beginning, the providers' in the steps that are kept.
select tenant, coalesce(hits, 0) as hits, coalesce(saved, 0) as saved, coalesce(saved_tokens, 0) as tokens,
       coalesce(cached, 0) as cached
from (
  select tenant, sum(hits) as hits, sum(saved) as saved, sum(saved_tokens) as saved_tokens from (
    select tenant, hits, saved, saved_tokens from prompt_cache_totals
    union all
    select tenant, hits, hits * cost, hits * tokens from prompt_cache
  ) as parts group by tenant
) as ours
full join (select tenant, sum(cached_tokens) as cached from steps group by tenant) as theirs using (tenant)
where hits > 0 or cached > 0 order by tenant;
