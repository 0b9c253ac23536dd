-- What people watch of a plan: the messages that are edited in place, by name, and who is at them now.

-- `cards` maps a name to where the message stands (`receipt`) and the digest of what it shows (`shown`). `edited_at`
-- keeps edits apart, and `busy_until` ends the turn of a function that died.
create table plan_views (
  tenant      text not null,
  plan_id     text not null,
  cards       jsonb not null default '{}',
  edited_at   timestamptz,
  owner       text not null default '',
  busy_until  timestamptz not null default now(),
  primary key (tenant, plan_id),
  foreign key (tenant, plan_id) references plans on delete cascade
);
grant select, insert, update, delete on plan_views to agent_flows;
alter table plan_views enable row level security;
alter table plan_views force row level security;
create policy tenant on plan_views using (tenant = nullif(current_setting('app.tenant', true), ''));
