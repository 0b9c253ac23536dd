-- name: start_plan
-- Keep a plan that is wanted; the same request a second time changes nothing.
insert into plans (tenant, id, event_id, flow, goal, may_write)
values (%(tenant)s, %(plan)s, %(event)s, %(flow)s, %(goal)s, %(may_write)s)
on conflict do nothing;

-- name: read_plan
-- The plan, what it has cost, and the event that caused it.
select p.id, p.flow, p.goal, p.may_write, p.state, p.reason, p.cancelled_by, e.body::text as event,
       r.cost, r.unpriced, r.worked
from plans p join events e on (e.tenant, e.id) = (p.tenant, p.event_id)
cross join lateral (
  select coalesce(sum(cost), 0)::float8 as cost, coalesce(bool_or(unpriced), false) as unpriced,
         coalesce(sum(seconds), 0)::float8 as worked
  from plan_runs where tenant = p.tenant and plan_id = p.id
) as r
where p.tenant = %(tenant)s and p.id = %(plan)s;

-- name: read_versions
-- All versions of the plan, the oldest first.
select version, steps, checked, fault, feedback, lesson from plan_versions
where tenant = %(tenant)s and plan_id = %(plan)s order by version;

-- name: read_steps
-- The steps and what came of them.
select version, step, state, attempts, output, reason from plan_steps
where tenant = %(tenant)s and plan_id = %(plan)s order by position, id;

-- name: read_writes
-- What the plan has written, or was refused.
select effect, state, output, reason, reach from plan_writes
where tenant = %(tenant)s and plan_id = %(plan)s;

-- name: read_approvals
-- What people were asked, the oldest first. The clock is the database's.
select digest, version, steps, payload, token, state, said, decided_by, decider, expires_at < now() as expired,
       extract(epoch from expires_at)::float8 as expires_at,
       extract(epoch from decided_at)::float8 as decided_at
from approvals where tenant = %(tenant)s and plan_id = %(plan)s order by asked_at;

-- name: add_version
-- Keep a version of the plan.
insert into plan_versions (tenant, plan_id, version, steps)
values (%(tenant)s, %(plan)s, %(version)s, %(steps)s)
on conflict do nothing;

-- name: name_version
-- Make it the current one.
update plans set version = greatest(version, %(version)s), state = 'planning'
where tenant = %(tenant)s and id = %(plan)s and state in ('planning', 'running', 'waiting');

-- name: check_version
-- Note that a version was checked.
update plan_versions set checked = true
where tenant = %(tenant)s and plan_id = %(plan)s and version = %(version)s;

-- name: fault_version
-- Note why a version does not do; the first reason stays.
update plan_versions set fault = %(fault)s, feedback = %(feedback)s, lesson = %(lesson)s, checked = true
where tenant = %(tenant)s and plan_id = %(plan)s and version = %(version)s and fault = '';

-- name: put_step
-- Take a step of a valid version over. What it already gave stays when the version left it as it was.
insert into plan_steps (tenant, plan_id, id, version, position, step)
values (%(tenant)s, %(plan)s, %(id)s, %(version)s, %(position)s, %(step)s)
on conflict (tenant, plan_id, id) do update
set version = excluded.version, position = excluded.position, step = excluded.step, state = 'waiting', attempts = 0,
    output = null, reason = '', started_at = null, finished_at = null
where plan_steps.version < excluded.version and plan_steps.state <> 'done';

-- name: drop_steps
-- Drop what the new version leaves out.
update plan_steps set state = 'dropped'
where tenant = %(tenant)s and plan_id = %(plan)s and not id = any(%(kept)s) and state <> 'done';

-- name: run_plan
-- From now on the steps of this version run.
update plans set state = %(state)s
where tenant = %(tenant)s and id = %(plan)s and state in ('planning', 'running', 'waiting');

-- name: set_step
-- Note how far a step has come, unless a later attempt or version is there already.
update plan_steps
set state = %(state)s, output = coalesce(%(output)s, output), reason = %(reason)s,
    finished_at = now()
where tenant = %(tenant)s and plan_id = %(plan)s and id = %(id)s and version = %(version)s
  and attempts = %(attempts)s and state <> 'dropped';

-- name: keep_write
-- Note how a write ended. What was taken for failed may turn out to have been written.
insert into plan_writes (tenant, plan_id, effect, state, output, reason, reach)
values (%(tenant)s, %(plan)s, %(effect)s, %(state)s, %(output)s, %(reason)s, %(reach)s)
on conflict (tenant, plan_id, effect) do update
set state = excluded.state, output = excluded.output, reason = excluded.reason,
    reach = case when plan_writes.reach = '{}' then excluded.reach else plan_writes.reach end
where plan_writes.state = 'failed';

-- name: try_again
-- Let a step wait for one more attempt.
update plan_steps set state = 'waiting', attempts = %(attempts)s + 1, output = null
where tenant = %(tenant)s and plan_id = %(plan)s and id = %(id)s and version = %(version)s
  and attempts = %(attempts)s;

-- name: keep_run
-- Note that a run belongs to the plan, its cost, and how long it took.
insert into plan_runs (tenant, plan_id, run_id, state, cost, unpriced, seconds)
select %(tenant)s, %(plan)s, %(of_run)s, %(state)s, %(cost)s, %(unpriced)s, extract(epoch from now() - r.started_at)
from runs as r where r.tenant = %(tenant)s and r.id = %(of_run)s
on conflict (tenant, plan_id, run_id) do update
set cost = excluded.cost, unpriced = excluded.unpriced, seconds = excluded.seconds;

-- name: ask
-- Ask a person about an exact payload; a second time only the token is new.
insert into approvals (tenant, plan_id, digest, version, steps, payload, role, token, expires_at)
values (%(tenant)s, %(plan)s, %(digest)s, %(version)s, %(steps)s, %(payload)s, 'write', %(token)s,
        now() + make_interval(secs => %(seconds)s))
on conflict (tenant, plan_id, digest) do update set token = excluded.token;

-- name: decide
-- Decide what is still open, in time; a second decision changes nothing.
update approvals set state = %(state)s, said = %(said)s, decided_by = %(by)s, decider = %(decider)s, decided_at = now()
where tenant = %(tenant)s and plan_id = %(plan)s and digest = %(digest)s and state = 'asked'
  and (expires_at > now()) = (%(state)s <> 'expired');

-- name: asked
-- What waits for an answer in a conversation or in the plan that is named, the newest first: where it was `shown`, and
-- the accounts of who asked for the plan and of those who had it changed.
select a.plan_id, a.digest, a.steps, v.cards -> (a.plan_id || '/' || a.digest) -> 'receipt' as shown,
       (e.body ->> 'source') || ':' || (e.body -> 'actor' ->> 0) as asker,
       array(select c.decider from approvals c
             where (c.tenant, c.plan_id) = (a.tenant, a.plan_id) and c.state = 'changed') as changers
from approvals a
join plans p on (p.tenant, p.id) = (a.tenant, a.plan_id)
join events e on (e.tenant, e.id) = (p.tenant, p.event_id)
left join plan_views v on (v.tenant, v.plan_id) = (a.tenant, a.plan_id)
where a.tenant = %(tenant)s and (e.conversation = %(conversation)s or p.id = %(named)s)
  and a.state = 'asked' and a.expires_at > now()
  and a.version = p.version and p.state in ('planning', 'running', 'waiting')
order by a.asked_at desc;

-- name: at_work
-- Whether a function works on a piece of the plan just now.
select exists (
  select from runs r join plans p on p.tenant = r.tenant and starts_with(r.event_id, p.event_id || '/')
  where p.tenant = %(tenant)s and p.id = %(plan)s and r.state = 'running' and r.lease_until > now()
) as at_work;

-- name: in_doubt
-- The writes of the plan that may have happened: the platform gave no answer, and nobody has looked since.
select f.tool, f.target from effects f
join runs r on (r.tenant, r.id) = (f.tenant, f.run_id)
join plans p on p.tenant = r.tenant and starts_with(r.event_id, p.event_id || '/write/')
where p.tenant = %(tenant)s and p.id = %(plan)s and f.state in ('dispatched', 'unknown')
order by f.dispatched_at, f.key;

-- name: cancel
-- Let the open plans of a conversation end before their next step: the one that is `named`, or all that were asked for by
-- then. With an actor those that they asked for in the whole channel. The first who cancels stays.
update plans as p set cancelled_by = case when p.cancelled_by = '' then %(by)s else p.cancelled_by end
from events as e
where p.tenant = %(tenant)s and p.state in ('planning', 'running', 'waiting')
  and (e.tenant, e.id) = (p.tenant, p.event_id) and %(named)s in ('', p.id)
  and is_within(e.conversation, e.body, %(conversation)s, %(actor)s) and (e.body ->> 'received_at')::float8 <= %(at)s
returning p.id, p.version;

-- name: give_up
-- Note why nothing more is tried; the first reason stays.
update plans set reason = %(reason)s
where tenant = %(tenant)s and id = %(plan)s and reason = '' and state in ('planning', 'running', 'waiting');

-- name: finish_plan
-- The plan is over.
update plans set state = %(state)s, reason = %(reason)s, finished_at = now()
where tenant = %(tenant)s and id = %(plan)s and state in ('planning', 'running', 'waiting');

-- name: standing
-- How an approval of a conversation stands; `outdated` when the plan has become another or is over.
select a.state, a.decided_by, a.expires_at <= now() as expired,
       a.version < p.version or p.state not in ('planning', 'running', 'waiting') as outdated
from approvals a
join plans p on (p.tenant, p.id) = (a.tenant, a.plan_id)
join events e on (e.tenant, e.id) = (p.tenant, p.event_id)
where a.tenant = %(tenant)s and e.conversation = %(conversation)s
  and a.plan_id = %(plan)s and a.digest = %(digest)s;

-- name: take_turn
-- Be the one who edits the messages of the plan, unless another is at it or it has just been done. Who `steals` the
-- turn need not wait: nothing runs beside it but what is dead.
insert into plan_views (tenant, plan_id, owner, busy_until)
values (%(tenant)s, %(plan)s, %(owner)s, now() + make_interval(secs => %(seconds)s))
on conflict (tenant, plan_id) do update
set owner = excluded.owner, busy_until = excluded.busy_until
where %(steals)s or plan_views.owner = excluded.owner
   or plan_views.busy_until <= now()
      and coalesce(plan_views.edited_at <= now() - make_interval(secs => %(pause)s), true)
returning cards;

-- name: keep_card
-- Note where a message stands and what it shows.
insert into plan_views (tenant, plan_id, cards, edited_at)
values (%(tenant)s, %(plan)s, %(cards)s, now())
on conflict (tenant, plan_id) do update set cards = plan_views.cards || excluded.cards, edited_at = now();

-- name: end_turn
-- Let the next one edit.
update plan_views set busy_until = now() where tenant = %(tenant)s and plan_id = %(plan)s and owner = %(owner)s;
