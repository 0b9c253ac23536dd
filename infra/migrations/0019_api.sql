-- The role that the API reads with: it may select runs and plans, of one tenant at a time, and nothing else.

do $$
begin
  if not exists (select from pg_roles where rolname = 'agent_flows_reader') then
    create role agent_flows_reader nologin;
  end if;
exception when duplicate_object or unique_violation then null; -- another database of this server made it just now
end $$;
grant agent_flows_reader to current_user;
grant usage on schema public to agent_flows_reader;
grant select on events, runs, steps, plans, plan_versions, plan_steps, plan_writes, plan_runs, approvals
  to agent_flows_reader;
