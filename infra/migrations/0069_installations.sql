-- Where the Slack app is installed. `place` is a workspace, or an organisation that installed it for all of its own. Tokens
-- are encrypted with the key `key_id`, which only the functions have. A workspace of such an organisation names it in
-- `org`, with the tenant that has its row. `version` counts tokens; whoever holds it until `rotating_until` may get the next.
create table slack_installations (
  tenant         text not null,
  place          text not null,
  org            text not null default '',
  org_tenant     text not null default '',
  app_id         text not null default '',
  name           text not null default '',
  bot_user       text not null default '',
  scopes         text not null default '',
  installed_by   text not null default '',
  key_id         text not null default '',
  token          bytea,
  refresh_token  bytea,
  expires_at     timestamptz,
  version        bigint not null default 1,
  rotating_until timestamptz,
  holder         text not null default '',
  installed_at   timestamptz not null default now(),
  primary key (tenant, place)
);
grant select, insert, update, delete on slack_installations to agent_flows;
alter table slack_installations enable row level security;
alter table slack_installations force row level security;
create policy tenant on slack_installations using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on slack_installations to agent_flows_definer using (true);

-- What somebody began in a browser and has to come back from: good once, until it expires. Only its digest is kept.
create table sign_ins (
  tenant     text not null,
  digest     text not null,
  purpose    text not null,
  about      jsonb not null default '{}',
  expires_at timestamptz not null,
  primary key (tenant, digest)
);
grant select, insert, update, delete on sign_ins to agent_flows;
alter table sign_ins enable row level security;
alter table sign_ins force row level security;
create policy tenant on sign_ins using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on sign_ins to agent_flows_definer using (true);
