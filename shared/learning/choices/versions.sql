-- name: add
-- Keep a version under the next number.
insert into policy_versions (tenant, flow, choice, number, kind, tuning, chances, examples, made_by)
select %(tenant)s, %(flow)s, %(choice)s,
       1 + coalesce((select max(number) from policy_versions
                     where tenant = %(tenant)s and flow = %(flow)s and choice = %(choice)s), 0),
       %(kind)s, %(tuning)s, %(chances)s, %(examples)s, %(by)s
returning number;

-- name: versions
-- All versions of a policy, the oldest first.
select number, kind, tuning, chances, examples, made_by, extract(epoch from made_at)::float8 as made_at
from policy_versions where tenant = %(tenant)s and flow = %(flow)s and choice = %(choice)s order by number;

-- name: state
-- Which version is in force, which is on trial, and which one runs choose by.
select in_force, candidate, in_use from policies
where tenant = %(tenant)s and flow = %(flow)s and choice = %(choice)s;

-- name: states
-- The policies of a tenant, with the reward functions by which they learn, and when they last did.
select flow, choice, in_force, candidate, in_use, rewards, coalesce(extract(epoch from updated_at)::float8, 0) as updated_at,
       coalesce(withdrawn_at::text, '') as withdrawn_at
from policies where tenant = %(tenant)s order by flow, choice;

-- name: set
-- Change them and note it, if they are still as they were read; the first time there are none.
with changed as (
  insert into policies (tenant, flow, choice, in_force, candidate, in_use, rewards, updated_at)
  select %(tenant)s, %(flow)s, %(choice)s, %(in_force)s, %(candidate)s, %(in_use)s, %(rewards)s::text[], now()
  where %(was)s::int is null
     or exists (select from policies where tenant = %(tenant)s and flow = %(flow)s and choice = %(choice)s)
  on conflict (tenant, flow, choice) do update
  set in_force = excluded.in_force, candidate = excluded.candidate, in_use = excluded.in_use,
      rewards = case when excluded.rewards = '{}' then policies.rewards else excluded.rewards end,
      updated_at = case when %(action)s in ('updated', 'withdrawn') then now() else policies.updated_at end
  where policies.in_use = %(was)s::int and policies.in_force = %(was_in_force)s::int
    and policies.candidate is not distinct from %(was_candidate)s::int
  returning in_use
),
audited as (
  insert into memory_audit (tenant, id, actor, action, event_id, counts)
  select %(tenant)s, gen_random_uuid(), %(actor)s, %(audited)s, '',
         json_build_object('before', coalesce(%(before)s::int, 0), 'after', coalesce(%(after)s::int, 0))
  from changed where %(audited)s <> ''
)
insert into policy_log (tenant, flow, choice, action, before, after, actor, reason, evaluation)
select %(tenant)s, %(flow)s, %(choice)s, %(action)s, %(before)s, %(after)s, %(actor)s, %(reason)s, %(evaluation)s
from changed returning id;

-- name: note
-- Keep who decided something about a policy, and why.
with audited as (
  insert into memory_audit (tenant, id, actor, action, event_id, counts)
  select %(tenant)s, gen_random_uuid(), %(actor)s, %(audited)s, '',
         json_build_object('before', coalesce(%(before)s::int, 0), 'after', coalesce(%(after)s::int, 0))
  where %(audited)s <> ''
)
insert into policy_log (tenant, flow, choice, action, before, after, actor, reason, evaluation)
values (%(tenant)s, %(flow)s, %(choice)s, %(action)s, %(before)s, %(after)s, %(actor)s, %(reason)s, %(evaluation)s);

-- name: log
-- What happened to the policies, the newest first.
select flow, choice, action, before, after, actor, reason, evaluation, at from policy_log
where tenant = %(tenant)s and %(flow)s in ('', flow) and %(choice)s in ('', choice) order by id desc limit %(limit)s;

-- name: withdrawing
-- Note for each policy of a tenant that a place is gone: it is to learn again without it.
with gone as (
  update policies set withdrawn_at = now() where tenant = %(tenant)s returning flow, choice, in_force
)
insert into policy_log (tenant, flow, choice, action, before, after, actor, reason, evaluation)
select %(tenant)s, flow, choice, 'withdrawn', in_force, in_force, %(actor)s, %(reason)s, %(evaluation)s from gone
returning flow, choice;

-- name: withdrawn
-- Note that a policy has learnt again without the places that were gone then.
update policies set withdrawn_at = null
where tenant = %(tenant)s and flow = %(flow)s and choice = %(choice)s and withdrawn_at = %(withdrawn_at)s::timestamptz
returning flow;

-- name: pending_policies
-- The tenants with a policy that has something to learn.
select pending_policies() as tenant;

-- name: forget_others
-- Delete all versions but those that count.
delete from policy_versions as v using policies as p
where v.tenant = %(tenant)s and v.flow = %(flow)s and v.choice = %(choice)s
  and (p.tenant, p.flow, p.choice) = (v.tenant, v.flow, v.choice)
  and v.number not in (p.in_force, coalesce(p.candidate, 0), p.in_use)
returning v.number;
