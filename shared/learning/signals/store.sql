-- name: keep
-- Keep a signal of the run that caused it, if that is still there. The latest word counts, in whatever order they come; of
-- two of one moment always the same. Why somebody said so stays until they give another reason.
with answer as (
  select e.key, e.run_id from effects as e
  where e.tenant = %(tenant)s and lower(e.target) = lower(nullif(%(thread)s, '')) -- which has an index
    and e.target = %(thread)s and e.tool || '' = 'Reply' /* not by the index of all replies */ and e.state = 'committed'
    and e.undone_by = '' and e.settled_at < to_timestamp(%(at)s)
  order by e.settled_at desc limit 1
),
caused as (
  select r.id, r.flow, coalesce(nullif(%(effect)s, ''), (select key from answer)) as effect
  from runs as r join events as v on (v.tenant, v.id) = (r.tenant, r.event_id)
  where r.tenant = %(tenant)s and r.id = coalesce(
    (select e.run_id from effects as e where e.tenant = %(tenant)s and e.key = nullif(%(effect)s, '')),
    nullif(%(caused)s, ''),
    (select p.run_id from proposals as p where p.tenant = %(tenant)s and p.id = nullif(%(proposal)s, '')),
    (select run_id from answer))
    -- Who asked does not answer after us, but asks again.
    and (%(kind)s <> 'answered_after' or v.body -> 'actor' ->> 0 is distinct from %(actor)s)
  for key share of r
)
insert into signals as s (tenant, key, run_id, effect, flow, repository, kind, value, actor, weight, cause, words, at)
select %(tenant)s, %(key)s, id, effect, flow, nullif(%(repository)s, ''), %(kind)s, %(value)s,
       nullif(%(actor)s, ''), 0, %(cause)s, %(words)s, to_timestamp(%(at)s)
from caused
on conflict (tenant, key) do update set
  (kind, value, actor, at) = (
    select one.* from (values (excluded.kind, excluded.value, excluded.actor, excluded.at),
                              (s.kind, s.value, s.actor, s.at)) as one (kind, value, actor, at)
    order by one.at desc, one.kind desc, one.value desc limit 1),
  (cause, words) = (
    select one.cause, one.words from (values (excluded.cause, excluded.words, excluded.at), (s.cause, s.words, s.at))
      as one (cause, words, at)
    order by one.cause <> '' desc, one.at desc, one.words desc limit 1);

-- name: weigh
-- Let what was said count: not what was taken back, nor the older of two thumbs of one person, nor what one person said of
-- a flow in a repository beyond so much in a week. What nobody in particular did counts half.
update signals as s set weight = case
    when s.value = 0 and s.kind <> 'edited' then 0
    when s.kind in ('liked', 'disliked') and exists (
      select from signals as o where o.tenant = s.tenant and o.run_id = s.run_id and o.key <> s.key
        and o.effect = s.effect and o.actor = s.actor and o.kind in ('liked', 'disliked') and o.value <> 0
        and (o.at, o.kind) > (s.at, s.kind)) then 0
    when s.actor is null then 0.5
    when (select count(*) from signals as o where o.tenant = s.tenant and o.actor = s.actor and o.flow = s.flow
            and o.key <> s.key and o.repository is not distinct from s.repository and o.weight > 0
            and o.at > s.at - interval '7 days' and o.at < s.at + interval '7 days') >= %(most)s then 0
    else 1 end
from signals as new
where new.tenant = %(tenant)s and new.key = %(key)s and s.tenant = new.tenant and s.run_id = new.run_id
  and (s.key = new.key
       or (s.effect = new.effect and s.actor = new.actor
           and s.kind in ('liked', 'disliked') and new.kind in ('liked', 'disliked')));

-- name: thumbs_of
-- The thumbs about a run that were not taken back.
select key, kind, actor from signals
where tenant = %(tenant)s and run_id = %(caused)s and kind in ('liked', 'disliked') and value <> 0 order by key;

-- name: take_back
-- Let thumbs that are gone count no more.
update signals set value = 0, weight = 0, at = to_timestamp(%(at)s)
where tenant = %(tenant)s and key = any (%(keys)s::text[]) and at < to_timestamp(%(at)s);

-- name: replace_copied
-- A later word of the same person about the same answer takes the place of one that was kept before there were signals.
delete from signals
where tenant = %(tenant)s and key = 'feedback ' || %(effect)s || ' ' || %(actor)s and at <= to_timestamp(%(at)s);

-- name: told
-- The findings of a pull request that comments told and nobody refused, with the review that did.
select f.id, f.path, f.shape, f.comment, f.run_id, e.key as effect, e.arguments, e.receipt
from findings as f
left join effects as e on e.tenant = f.tenant and e.run_id = f.run_id and e.tool = 'SubmitReview'
  and e.state = 'committed' and e.undone_by = '' and lower(e.target) = lower(%(pull)s)
where f.tenant = %(tenant)s and lower(f.repository) = lower(%(repository)s) and f.number = %(number)s
  and f.state in ('posted', 'fixed') and f.comment > 0
order by f.found_at, f.id;

-- name: done_at
-- What was done at an issue and stands, the oldest first, with what a model decided before it.
select e.key, e.run_id, e.flow, e.tool, e.arguments, e.receipt,
       (select s.output from steps as s where s.tenant = e.tenant and s.run_id = e.run_id and s.name = 'ask'
        order by s.seq desc limit 1) as decided
from effects as e
where e.tenant = %(tenant)s and lower(e.target) = lower(%(issue)s) and e.state = 'committed' and e.undone_by = ''
  and e.tool in ('AddLabels', 'Comment', 'CloseIssue')
order by e.settled_at desc, e.key limit 50;
