-- name: by_run
-- The run whose id starts so.
select id from runs
where tenant = %(tenant)s and id >= %(run)s and id < %(run)s || 'g' order by id limit 2;

-- name: by_event
-- The runs of one delivery.
select id from runs where tenant = %(tenant)s and event_id = %(event)s order by started_at, id limit %(limit)s;

-- name: by_target
-- The runs that acted at an issue or a pull request; of one comment, those that wrote it.
select f.run_id as id from effects as f
where f.tenant = %(tenant)s and lower(f.target) = lower(%(target)s)
  and (%(part)s = '' or strpos(f.receipt::text, %(part)s) > 0)
group by f.run_id order by max(coalesce(f.settled_at, f.planned_at)) desc limit %(limit)s;

-- name: by_conversation
-- The runs of what was said in a conversation; of one comment, those that it caused.
select r.id from events as e join runs as r on (r.tenant, r.event_id) = (e.tenant, e.id)
where e.tenant = %(tenant)s and e.conversation = %(conversation)s
  and (%(part)s = '' or strpos(e.body::text, %(part)s) > 0)
order by r.started_at desc, r.id limit %(limit)s;

-- name: by_message
-- The runs that wrote a message of Slack, or that it caused: they began near its time.
(select r.id from runs as r join effects as f on (f.tenant, f.run_id) = (r.tenant, r.id)
 where r.tenant = %(tenant)s and r.started_at between to_timestamp(%(at)s) - interval '1 hour' and to_timestamp(%(at)s) + interval '1 minute'
   and strpos(f.receipt::text, %(ts)s) > 0 limit %(limit)s)
union
(select r.id from runs as r
 where r.tenant = %(tenant)s and r.started_at between to_timestamp(%(at)s) - interval '1 minute' and to_timestamp(%(at)s) + interval '1 hour'
   and strpos(r.event_id, %(ts)s) > 0 limit %(limit)s);

-- name: runs
-- These runs with their events, as far as the reader may see them, the newest first.
select r.id, r.flow, r.state, r.reason, r.gave_up, r.stop, r.started_at, e.id as event, e.type, e.conversation, e.audience,
       e.actor, coalesce((told.body -> 'actor')::text, '["","",false,""]') as who,
       coalesce((told.body -> 'url')::text, '""') as url, coalesce(left((told.body -> 'text')::text, 600), '""') as said,
       s.cost, s.unpriced, s.models
from runs as r join events as e on (e.tenant, e.id) = (r.tenant, r.event_id)
-- No operator of JSON reads a text that holds a NUL.
cross join lateral (select case when strpos(e.body::text, chr(92) || 'u0000') = 0 then e.body end as body) as told
cross join lateral (
  select coalesce(sum(cost), 0)::float8 as cost, coalesce(bool_or(model <> '' and cost is null), false) as unpriced,
         coalesce(array_agg(distinct model) filter (where model <> ''), '{}') as models
  from steps where tenant = r.tenant and run_id = r.id) as s
where r.tenant = %(tenant)s and r.id = any (%(ids)s::text[])
  and (%(everywhere)s or e.audience = any (%(audiences)s::text[]))
order by r.started_at desc, r.id;

-- name: steps
-- What these runs saw: the prompts of their models, their memories, the rights that they asked for.
select run_id, name, model, left(input::text, 60000) as input, left(output::text, 60000) as output from steps
where tenant = %(tenant)s and run_id = any (%(ids)s::text[])
  and (model <> '' or name in ('recall', 'right', 'proved', 'quiet', 'team settings', 'settings'))
order by seq limit 400;

-- name: effects
-- What these runs did.
select run_id, tool, target, state, reason, receipt::text as receipt from effects
where tenant = %(tenant)s and run_id = any (%(ids)s::text[]) order by coalesce(dispatched_at, planned_at), key limit 200;
