-- Policies that go on learning by themselves, and what was learnt in a place that went away.

-- step: columns
-- By what the policy is rewarded: the names of reward functions. When it learnt last. Since when a place of which its
-- versions may know something is gone.
alter table policies add column rewards text[] not null default '{}';
alter table policies add column updated_at timestamptz;
alter table policies add column withdrawn_at timestamptz;

-- step: rewards, in batches
with batch as (
  select tenant, flow, choice from policies where tenant || ' ' || flow || ' ' || choice > coalesce(%(after)s, '')
  order by tenant || ' ' || flow || ' ' || choice limit 500
),
filled as (
  update policies as p set rewards = case p.flow
    when 'triage' then array['accepted', 'dismissed', 'relabelled', 'cost']
    when 'review' then array['accepted', 'dismissed', 'cost']
    when 'chat' then array['accepted', 'dismissed', 'relabelled', 'cost']
    else '{}'::text[] end
  from batch where (p.tenant, p.flow, p.choice) = (batch.tenant, batch.flow, batch.choice) and p.rewards = '{}'
)
select max(tenant || ' ' || flow || ' ' || choice) from batch;

-- step: functions
-- The tenants with a policy that has something to learn: a place is gone, or runs chose since it learnt, and people had a day
-- for their feedback.
create function pending_policies() returns setof text
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  select distinct p.tenant from policies p
  where p.withdrawn_at is not null
    or p.rewards <> '{}' and exists (
      select from policy_versions v
      where (v.tenant, v.flow, v.choice) = (p.tenant, p.flow, p.choice) and v.kind <> 'fixed'
        and v.number in (p.in_force, case when p.in_use <> p.in_force then p.candidate end))
    and exists (
      select from steps s join runs r on (r.tenant, r.id) = (s.tenant, s.run_id)
      where s.tenant = p.tenant and s.name = 'choice' and s.choice ->> 'name' = p.choice and r.flow = p.flow
        and r.state in ('done', 'failed') and r.finished_at < now() - interval '1 day'
        and r.finished_at > coalesce(p.updated_at, '-infinity') - interval '1 day')
$$;
grant create on schema public to agent_flows_definer;
alter function pending_policies() owner to agent_flows_definer;
revoke create on schema public from agent_flows_definer;
revoke execute on function pending_policies() from public;
grant execute on function pending_policies() to agent_flows_operator;
grant select on policies, policy_versions to agent_flows_definer;
grant select on steps, runs to agent_flows_definer;

-- step: replies, concurrently
create index concurrently effects_replies on effects (settled_at) where tool = 'Reply' and state = 'committed';
