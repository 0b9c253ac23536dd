-- name: runs
-- The newest runs, of every tenant. A cost is unknown as soon as that of one model call is.
select r.id, r.flow, e.type as event, e.conversation, r.state, r.attempts, r.reason, r.started_at,
       extract(epoch from r.finished_at - r.started_at)::float8 as took,
       s.cost, coalesce(s.unpriced, false) as unpriced, coalesce(s.tokens, 0)::int as tokens
from runs r
join events e on e.tenant = r.tenant and e.id = r.event_id
left join lateral (
  select sum(cost) as cost, bool_or(cost is null and model <> '') as unpriced, sum(input_tokens + output_tokens) as tokens
  from steps where tenant = r.tenant and run_id = r.id
) s on true
where %(run)s = '' or starts_with(r.id, %(run)s)
order by r.started_at desc limit %(limit)s;

-- name: steps
-- The steps and effects of a run, in the order in which they began.
select started_at, 'step' as kind, name, '' as target, 'done' as state, model, input_tokens, output_tokens, cost,
       duration_ms, attempt, left(input::text, %(room)s) as input, left(output::text, %(room)s) as output
from steps where run_id = %(run)s
union all
select coalesce(dispatched_at, planned_at), 'effect', tool, target, state, '', 0, 0, null,
       extract(epoch from settled_at - dispatched_at)::float8 * 1000, attempts,
       left(arguments::text, %(room)s), left(coalesce(receipt::text, reason), %(room)s)
from effects where run_id = %(run)s
order by 1;

-- name: given_up
-- The runs that were given up, the newest first.
select r.id, r.flow, e.type, e.conversation, r.attempts as tries, r.id as run, r.reason as cause, r.flow as queue
from runs r join events e on (e.tenant, e.id) = (r.tenant, r.event_id)
where r.gave_up order by r.finished_at desc limit %(limit)s;

-- name: causes
-- The runs of events, by which a dead letter tells why it died.
select id, event_id, flow, state, attempts, reason from runs where event_id = any(%(events)s);
