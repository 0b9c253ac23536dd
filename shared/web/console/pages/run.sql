-- name: run
-- A run with its event, as far as the reader may see it.
select r.id, r.flow, r.state, r.attempts, r.failures, r.pauses, r.reason, r.gave_up, r.stop, r.started_at, r.finished_at,
       extract(epoch from coalesce(r.finished_at, now()) - r.started_at)::float8 as seconds,
       extract(epoch from case when r.state in ('retrying', 'parked') then r.due_at - now() end)::float8 as waits,
       e.id as event, e.type, e.conversation, e.audience, e.recorded_at, e.body::text as body, p.id as plan
from runs as r join events as e on (e.tenant, e.id) = (r.tenant, r.event_id)
left join plans as p on (p.tenant, p.id) = (r.tenant, r.id)
where r.tenant = %(tenant)s and r.id = %(run)s and (%(everywhere)s or e.audience = any (%(audiences)s::text[]));

-- name: steps
-- The first steps of a run in the order in which they were recorded. Large texts are cut, and all after a million
-- characters: an answer of Lambda holds 6 MB.
with sized as (
  select *, sum(least(length(input::text), %(room)s) + least(length(output::text), %(room)s)) over (order by seq) as so_far
  from steps where tenant = %(tenant)s and run_id = %(run)s order by seq limit %(limit)s
),
cut as (select *, case when so_far <= 1000000 then %(room)s else 300 end as room from sized)
select key, seq, name, model, attempt, occurrence, input_tokens, output_tokens, cached_tokens, cost, duration_ms, started_at,
       left(input::text, room) as input, left(output::text, room) as output,
       length(input::text) > room or length(output::text) > room as is_cut, choice::text as choice
from cut order by seq;

-- name: effects
-- What the run did or set out to do.
select key, tool, target, state, attempts, reason, undone_by, arguments::text as arguments, receipt::text as receipt,
       coalesce(dispatched_at, planned_at) as started_at,
       extract(epoch from settled_at - dispatched_at)::float8 * 1000 as duration_ms
from effects where tenant = %(tenant)s and run_id = %(run)s order by coalesce(dispatched_at, planned_at), key limit %(limit)s;

-- name: sums
-- What all steps of the run took.
select count(*) as steps, coalesce(sum(input_tokens), 0) as input_tokens, coalesce(sum(output_tokens), 0) as output_tokens,
       coalesce(sum(cached_tokens), 0) as cached_tokens, coalesce(sum(cost), 0)::float8 as cost,
       coalesce(bool_or(model <> '' and cost is null), false) as unpriced
from steps where tenant = %(tenant)s and run_id = %(run)s;

-- name: beside
-- The events of its conversation around it, with their runs.
with mine as (
  select e.conversation, e.recorded_at from runs as r join events as e on (e.tenant, e.id) = (r.tenant, r.event_id)
  where r.tenant = %(tenant)s and r.id = %(run)s
),
near as (
  (select e.* from mine, events as e
   where e.tenant = %(tenant)s and e.conversation = mine.conversation and e.recorded_at <= mine.recorded_at
   order by e.recorded_at desc limit 8)
  union all
  (select e.* from mine, events as e
   where e.tenant = %(tenant)s and e.conversation = mine.conversation and e.recorded_at > mine.recorded_at
   order by e.recorded_at limit 8)
)
select n.id, n.type, n.actor, n.recorded_at, 
       case when strpos(n.body::text, chr(92) || 'u0000') = 0 then left((n.body -> 'text')::text, 400) else '""' end as said,
       array(select r.id || ' ' || r.flow || ' ' || r.state from runs as r
             where r.tenant = n.tenant and r.event_id = n.id order by r.started_at, r.id limit 12) as runs
from near as n where (%(everywhere)s or n.audience = any (%(audiences)s::text[]))
order by n.recorded_at, n.id;

-- name: signals
-- What people made of what it did.
select kind, value, weight, actor, cause, at from signals where tenant = %(tenant)s and run_id = %(run)s order by at, key limit 50;
