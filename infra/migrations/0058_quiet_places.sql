-- Where people told the agent to be quiet: an issue, a pull request, a thread, or a whole channel. Until somebody says
-- otherwise it does nothing there that nobody asks for by a command.

create table quiet_places (
  tenant   text not null,
  place    text not null,
  event_id text not null,
  since    timestamptz not null default now(),
  primary key (tenant, place)
);
grant select, insert, update, delete on quiet_places to agent_flows;
alter table quiet_places enable row level security;
alter table quiet_places force row level security;
create policy tenant on quiet_places using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on quiet_places to agent_flows_definer using (true);
