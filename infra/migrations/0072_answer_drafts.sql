-- Answers that nobody asked for, shown to one person who sends or drops them, once. They go with their run.

create table answer_drafts (
  tenant       text not null,
  run_id       text not null,
  conversation text not null,
  thread_ts    text not null,
  person       text not null,
  digest       text not null,
  text         text not null,
  outcome      text not null default '' check (outcome in ('', 'sent', 'edited', 'dropped')),
  made_at      timestamptz not null default now(),
  decided_at   timestamptz,
  primary key (tenant, run_id),
  foreign key (tenant, run_id) references runs on delete cascade
);
grant select, insert, update, delete on answer_drafts to agent_flows;
alter table answer_drafts enable row level security;
alter table answer_drafts force row level security;
create policy tenant on answer_drafts using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on answer_drafts to agent_flows_definer using (true);
