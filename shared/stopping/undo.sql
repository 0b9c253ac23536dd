-- name: find
-- The newest run that acted in a conversation, or the one of this name, which may be a plan's. Pieces of a plan go by the
-- event that asked for it. Whoever only opened an issue or pushed on GitHub asked for nothing.
select r.id, r.flow, e.body::text as event, e.conversation,
       case when exists (
         select from plans as p where p.tenant = r.tenant
           and (starts_with(r.event_id || '/', p.event_id || '/') or starts_with(p.event_id, r.event_id || '/')))
       then split_part(r.event_id, '/', 1) else r.event_id end as root
from runs as r join events as e on (e.tenant, e.id) = (r.tenant, r.event_id)
where r.tenant = %(tenant)s and r.id <> %(run)s and case when %(named)s <> ''
  then r.id = %(named)s or e.id = (select event_id from plans where tenant = r.tenant and id = %(named)s)
  else r.flow <> %(flow)s and is_within(e.conversation, e.body, %(conversation)s, %(actor)s)
    and (e.body ->> 'received_at')::float8 <= %(at)s
    and (%(asker)s = '' or (e.body -> 'actor' ->> 0 = %(asker)s and e.body ->> 'source' = %(source)s
                            and (%(source)s <> 'github' or e.type ~ '[.](command|mention)[.]')))
    and exists (select from effects as f where (f.tenant, f.run_id) = (r.tenant, r.id)
                  and f.state in ('committed', 'dispatched', 'unknown')) end
order by r.started_at desc limit 1;

-- name: open
-- What goes on of an event and of its plan: runs that nobody has ended yet, and plans that have not reported their end.
select 'run' as what from runs as r
where r.tenant = %(tenant)s and r.flow = %(of)s and starts_with(r.event_id || '/', %(root)s || '/')
  and r.state in ('running', 'retrying', 'parked')
union all
select 'plan' from plans as p
where p.tenant = %(tenant)s and p.flow = %(of)s and starts_with(p.event_id || '/', %(root)s || '/') and not exists (
  select from runs as r where (r.tenant, r.event_id, r.flow) = (p.tenant, p.event_id || '/report', p.flow)
    and r.finished_at is not null);

-- name: claim
-- Take the effects, so that no other run takes them back too; one that failed lets go of them.
update effects as f set undone_by = %(run)s
from runs as r
where f.tenant = %(tenant)s and (r.tenant, r.id) = (f.tenant, f.run_id)
  and r.flow = %(of)s and starts_with(r.event_id || '/', %(root)s || '/')
  and f.state in ('committed', 'dispatched', 'unknown')
  and (f.undone_by in ('', %(run)s) or exists (
    select from runs as u where (u.tenant, u.id) = (f.tenant, f.undone_by)
      and u.state in ('failed', 'waiting', 'cancelled', 'superseded')));

-- name: effects
-- The effects of an event, and of the pieces of its plan, newest first; those that this run has, with what an earlier run
-- made of the same thing.
with own as materialized (
  select f.* from effects as f join runs as r on (r.tenant, r.id) = (f.tenant, f.run_id)
  where f.tenant = %(tenant)s and r.flow = %(of)s and starts_with(r.event_id || '/', %(root)s || '/')
    and f.state in ('committed', 'dispatched', 'unknown')
)
select f.key, f.run_id as run, f.flow, f.tool, f.target as ref, f.arguments, f.receipt, f.state,
       f.undone_by = %(run)s as is_taken,
       extract(epoch from f.planned_at)::float8 as since,
       extract(epoch from coalesce(f.settled_at, now()))::float8 as until,
       (select json_build_object('key', b.key, 'arguments', b.arguments) from effects as b
        where (b.tenant, b.flow, b.tool, b.target) = (f.tenant, f.flow, f.tool, f.target)
          and b.state = 'committed' and b.undone_by = '' and b.receipt ->> 'id' = f.receipt ->> 'id'
          and b.settled_at < f.planned_at and b.run_id not in (select run_id from own)
          and b.arguments ->> 'forgotten' is null
        order by b.settled_at desc limit 1) as before,
       exists (
         select from effects as b
         where (b.tenant, b.flow, b.tool, b.target) = (f.tenant, f.flow, f.tool, f.target)
           and b.state = 'committed' and b.undone_by = '' and b.receipt ->> 'id' = f.receipt ->> 'id'
           and b.planned_at > f.settled_at and b.run_id not in (select run_id from own)) as is_replaced
from own as f order by f.planned_at desc, f.key;

-- name: commands
-- The messages of these conversations that gave commands, as Slack names them.
select distinct e.body -> 'message_target' ->> 2 as ts from events as e
where e.tenant = %(tenant)s and e.conversation = any (%(conversations)s::text[])
  and (strpos(e.type, '.command.') > 0 or e.type = 'slack.stop') and e.body -> 'message_target' ->> 2 is not null;

-- name: release
-- Leave what stays to a later run.
update effects set undone_by = '' where tenant = %(tenant)s and undone_by = %(run)s and key = any (%(keys)s::text[]);

-- name: unsay
-- Take the answer of these runs out of their conversation, and the summary that holds it.
with said as (
  delete from turns as t using runs as r
  where t.tenant = %(tenant)s and (r.tenant, r.event_id) = (t.tenant, t.event_id) and t.role = 'assistant'
    and r.flow = %(of)s and starts_with(r.event_id || '/', %(root)s || '/')
  returning t.conversation, t.seq
)
delete from conversation_summaries as c using said
where c.tenant = %(tenant)s and c.conversation = said.conversation and c.up_to_seq >= said.seq;

-- name: unfind
-- Let the next review find again what these runs told in comments that are gone, or held back: nobody has decided it.
delete from findings as f using runs as r
where f.tenant = %(tenant)s and (r.tenant, r.id) = (f.tenant, f.run_id)
  and r.flow = %(of)s and starts_with(r.event_id || '/', %(root)s || '/')
  and (f.state = 'held' or f.state = 'posted' and f.comment::text = any (%(gone)s::text[]));

-- name: unreview
-- Let the next review look again at what these runs looked at: the round before theirs is the last one then.
with own as (
  select r.id from runs as r
  where r.tenant = %(tenant)s and r.flow = %(of)s and starts_with(r.event_id || '/', %(root)s || '/')
),
kept as (
  select c.repository, c.number, coalesce((
    select jsonb_agg(one order by place) from jsonb_array_elements(c.rounds) with ordinality as each (one, place)
    where one ->> 'run' not in (select id from own)), '[]') as rounds
  from reviewed_commits as c
  where c.tenant = %(tenant)s and exists (
    select from own where c.run_id = own.id or c.rounds @> jsonb_build_array(jsonb_build_object('run', own.id)))
),
gone as (
  delete from reviewed_commits as c using kept
  where (c.tenant, c.repository, c.number) = (%(tenant)s, kept.repository, kept.number) and kept.rounds = '[]'
)
update reviewed_commits as c
set rounds = kept.rounds, head = kept.rounds -> -1 ->> 'head', run_id = kept.rounds -> -1 ->> 'run'
from kept
where (c.tenant, c.repository, c.number) = (%(tenant)s, kept.repository, kept.number) and kept.rounds <> '[]';
