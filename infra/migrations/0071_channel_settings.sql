-- What people of a channel in Slack want of the agent there: a row for each key that somebody set, with who and when. It
-- is read with the claim of each run in the channel.

create table channel_settings (
  tenant     text not null,
  place      text not null,
  key        text not null,
  value      json not null,
  changed_by text not null default '',
  changed_at timestamptz not null default now(),
  event_id   text not null default '',
  primary key (tenant, place, key)
);
grant select, insert, update, delete on channel_settings to agent_flows;
alter table channel_settings enable row level security;
alter table channel_settings force row level security;
create policy tenant on channel_settings using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on channel_settings to agent_flows_definer using (true);
