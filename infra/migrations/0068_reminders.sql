-- Reminders: what people have the agent say again. `whom` is a person's id and `place` a channel's; without them it comes
-- in the conversation where it was asked for. `rule` says when one recurs; '' comes once, at `next_at`.

create table reminders (
  tenant        text not null,
  id            text not null,
  conversation  text not null,
  asker         text not null,
  asker_name    text not null default '',
  whom          text not null default '',
  place         text not null default '',
  text          text not null,
  zone          text not null default 'UTC',
  shift         int not null default 0,
  rule          text not null default '',
  next_at       double precision not null,
  state         text not null default 'active' check (state in ('active', 'done', 'cancelled')),
  changed_at    timestamptz not null default now(),
  primary key (tenant, id)
);
create index reminders_of on reminders (tenant, asker) where state = 'active';

grant select, insert, update, delete on reminders to agent_flows;
alter table reminders enable row level security;
alter table reminders force row level security;
create policy tenant on reminders using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on reminders to agent_flows_definer using (true);
