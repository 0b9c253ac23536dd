-- One person on both sides: a Slack person who proved that a GitHub account is theirs. The account's id counts; its login
-- may change. In one workspace an account is one person's.
create table people (
  tenant       text not null,
  team         text not null,
  slack_user   text not null,
  github_id    text not null,
  github_login text not null,
  linked_at    timestamptz not null default now(),
  primary key (tenant, team, slack_user)
);
create unique index people_by_account on people (tenant, team, github_id);
grant select, insert, update, delete on people to agent_flows;
alter table people enable row level security;
alter table people force row level security;
create policy tenant on people using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on people to agent_flows_definer using (true);
