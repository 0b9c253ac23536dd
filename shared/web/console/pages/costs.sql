-- name: by_day
-- What models cost each day.
select (started_at at time zone 'utc')::date as name, coalesce(sum(cost), 0)::float8 as cost, count(*) as calls,
       sum(input_tokens + output_tokens) as tokens, sum(cached_tokens) as cached
from steps where tenant = %(tenant)s and model <> '' and started_at >= %(since)s group by 1 order by 1;

-- name: by_model
-- What each model cost.
select model as name, coalesce(sum(cost), 0)::float8 as cost, count(*) as calls,
       sum(input_tokens + output_tokens) as tokens, sum(cached_tokens) as cached, count(*) filter (where cost is null) as unpriced
from steps where tenant = %(tenant)s and model <> '' and started_at >= %(since)s group by 1 order by 2 desc, 1;

-- name: by_flow
-- What each flow cost.
select r.flow as name, sum(s.cost)::float8 as cost, sum(s.calls) as calls, sum(s.tokens) as tokens, count(*) as runs
from (select run_id, coalesce(sum(cost), 0) as cost, count(*) as calls, sum(input_tokens + output_tokens) as tokens
      from steps where tenant = %(tenant)s and model <> '' and started_at >= %(since)s group by run_id) as s
join runs as r on r.tenant = %(tenant)s and r.id = s.run_id
group by 1 order by 2 desc, 1;

-- name: by_person
-- What the people whose events cost most caused.
select coalesce(e.actor, '') as name, sum(s.cost)::float8 as cost, sum(s.calls) as calls, sum(s.tokens) as tokens, count(*) as runs
from (select run_id, coalesce(sum(cost), 0) as cost, count(*) as calls, sum(input_tokens + output_tokens) as tokens
      from steps where tenant = %(tenant)s and model <> '' and started_at >= %(since)s group by run_id
      order by 2 desc limit 2000) as s
join runs as r on r.tenant = %(tenant)s and r.id = s.run_id
join events as e on e.tenant = r.tenant and e.id = r.event_id
group by 1 order by 2 desc, 1 limit 20;

-- name: budgets
-- What budgets spent today, and their ceilings.
select scope, name, spent::float8 as spent, ceiling::float8 as ceiling from budget_days
where tenant = %(tenant)s and day = (now() at time zone 'utc')::date order by scope desc, spent desc, name limit 50;

-- name: saved
-- What the prompt cache has saved.
select coalesce(sum(hits), 0)::bigint as hits, coalesce(sum(saved), 0)::float8 as saved, coalesce(sum(tokens), 0)::bigint as tokens from (
  select hits, saved, saved_tokens as tokens from prompt_cache_totals where tenant = %(tenant)s
  union all
  select hits, hits * cost, hits * tokens from prompt_cache where tenant = %(tenant)s and hits > 0
) as parts;
