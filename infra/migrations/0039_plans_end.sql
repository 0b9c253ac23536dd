-- Every plan ends. `refused` is a version whose write did not go through; no plan has more than two.
alter table plan_versions
  drop constraint plan_versions_fault_check,
  add constraint plan_versions_fault_check check (fault in ('', 'invalid', 'changed', 'failed', 'refused'));

create index plans_open on plans (created_at) where state in ('planning', 'running', 'waiting');
grant select on plan_runs, approvals to agent_flows_definer;
grant update (state, reason, finished_at) on plans to agent_flows_definer;

-- Ends the plans that nothing has gone on with for so long, and that wait for nobody: their execution is dead.
create function close_dead_plans(patience interval) returns bigint
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  with closed as (
    update plans p
    set state = 'failed', finished_at = now(),
        reason = case when p.reason = '' then 'Nothing went on with it, so it was closed.' else p.reason end
    where p.state in ('planning', 'running', 'waiting') and p.created_at < now() - patience
      and not exists (select from approvals a where (a.tenant, a.plan_id) = (p.tenant, p.id)
                        and a.state = 'asked' and a.expires_at > now() - patience)
      and not exists (select from plan_runs c join runs r on (r.tenant, r.id) = (c.tenant, c.run_id)
                      where (c.tenant, c.plan_id) = (p.tenant, p.id)
                        and coalesce(r.finished_at, r.lease_until, r.started_at) > now() - patience)
    returning 1)
  select count(*) from closed
$$;

grant create on schema public to agent_flows_definer;
revoke execute on function close_dead_plans(interval) from public, agent_flows;
grant execute on function close_dead_plans(interval) to agent_flows_operator;
alter function close_dead_plans(interval) owner to agent_flows_definer;
revoke create on schema public from agent_flows_definer;
