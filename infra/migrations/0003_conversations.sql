-- The short-term memory: what was said in a conversation (an issue, a pull request, a Slack thread), in order.

create table turns (
  tenant       text not null,
  conversation text not null,
  seq          bigint generated always as identity,
  role         text not null check (role in ('user', 'assistant')),
  author       text not null,
  text         text not null,
  event_id     text not null,
  created_at   timestamptz not null default now(),
  primary key (tenant, conversation, seq),
  unique (tenant, conversation, event_id, role)
);

grant select, insert, update, delete on turns to agent_flows;
alter table turns enable row level security;
alter table turns force row level security;
create policy tenant on turns using (tenant = nullif(current_setting('app.tenant', true), ''));
