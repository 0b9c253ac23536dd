-- name: runs
-- The newest runs, of every tenant.
select r.id, r.flow, e.type as event, e.conversation, r.state, r.attempts, r.reason, r.started_at, r.gave_up,
       extract(epoch from case when r.state in ('retrying', 'parked') then r.due_at - now() end)::float8 as waits,
       extract(epoch from coalesce(r.finished_at, now()) - r.started_at)::float8 as seconds,
       s.tokens, s.cost
from runs r
join events e on e.tenant = r.tenant and e.id = r.event_id
left join lateral (
  select sum(input_tokens + output_tokens) as tokens,
         case when coalesce(bool_or(model <> '' and cost is null), false) then null else coalesce(sum(cost), 0) end as cost
  from steps where tenant = r.tenant and run_id = r.id
) s on true
where (%(flow)s = '' or r.flow = %(flow)s) and (%(state)s = '' or r.state = %(state)s)
order by r.started_at desc limit %(limit)s;

-- name: run
-- One run, by the start of its id.
select r.tenant, r.id, r.flow, r.event_id, e.type as event, e.conversation, r.state, r.attempts, r.reason, r.started_at, r.gave_up,
       extract(epoch from case when r.state in ('retrying', 'parked') then r.due_at - now() end)::float8 as waits,
       extract(epoch from coalesce(r.finished_at, now()) - r.started_at)::float8 as seconds
from runs r join events e on e.tenant = r.tenant and e.id = r.event_id
where starts_with(r.id, %(run)s) order by r.started_at desc limit 2;

-- name: steps
-- Its steps and its effects, in the order in which they began.
select started_at, 'step' as kind, name, model, input_tokens, output_tokens, cost, duration_ms, attempt,
       input::text as detail, output::text as result, '' as state
from steps where tenant = %(tenant)s and run_id = %(run)s
union all
select coalesce(dispatched_at, planned_at), 'effect', tool || ' ' || target, '', 0, 0, null,
       extract(epoch from settled_at - dispatched_at)::float8 * 1000, attempts,
       arguments::text, coalesce(receipt::text, reason), state
from effects where tenant = %(tenant)s and run_id = %(run)s
order by 1;
