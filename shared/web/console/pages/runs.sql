-- name: runs
-- One page of the newest runs that match and that the reader may see, with what each took. Where only costly ones are
-- asked for, so many of the newest are looked at; `last_at` and `last_id` say where the next page goes on.
with looked as (
  select r.tenant, r.id, r.flow, r.state, r.attempts, r.reason, r.gave_up, r.started_at,
         extract(epoch from coalesce(r.finished_at, now()) - r.started_at)::float8 as seconds,
         extract(epoch from case when r.state in ('retrying', 'parked') then r.due_at - now() end)::float8 as waits,
         e.type, e.conversation, coalesce(e.actor, '') as actor
  from runs as r join events as e on (e.tenant, e.id) = (r.tenant, r.event_id)
  where r.tenant = %(tenant)s and (%(everywhere)s or e.audience = any (%(audiences)s::text[]))
    and (%(flow)s = '' or r.flow = %(flow)s)
    and (%(state)s = '' or r.state = %(state)s)
    and (%(conversation)s = '' or e.tenant = %(tenant)s and e.conversation = %(conversation)s)
    and (%(person)s = '' or e.tenant = %(tenant)s and e.actor = %(person)s)
    and (%(words)s = '' or r.reason <> '' and strpos(lower(r.reason), lower(%(words)s)) > 0)
    and (%(after)s::timestamptz is null or (r.started_at, r.id) < (%(after)s::timestamptz, %(after_id)s))
  order by r.started_at desc, r.id desc
  limit %(looked)s
)
select l.*, s.steps, s.tokens, s.models, s.cost, s.unpriced,
       (select min(started_at) from looked) as last_at,
       (select id from looked order by started_at, id limit 1) as last_id, (select count(*) from looked) as looked
from looked as l
cross join lateral (
  select count(*) as steps, coalesce(sum(input_tokens + output_tokens), 0) as tokens,
         count(*) filter (where model <> '') as models, coalesce(sum(cost), 0)::float8 as cost,
         coalesce(bool_or(model <> '' and cost is null), false) as unpriced
  from steps where tenant = l.tenant and run_id = l.id
) as s
where %(cost)s::float8 is null or s.cost >= %(cost)s::float8
order by l.started_at desc, l.id desc
limit %(limit)s;

-- name: flows
-- The flows of the tenant, each found by one look into the index.
with recursive known as (
  (select flow from runs where tenant = %(tenant)s order by flow limit 1)
  union all
  select (select r.flow from runs as r where r.tenant = %(tenant)s and r.flow > k.flow order by r.flow limit 1)
  from known as k where k.flow is not null
)
select flow from known where flow is not null;
