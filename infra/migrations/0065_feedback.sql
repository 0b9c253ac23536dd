-- What people make of what the agent said to them: one word each, which they may change or take back, with a reason in
-- their own words. It goes with its run.

create table feedback (
  tenant   text not null,
  effect   text not null,
  run_id   text not null,
  flow     text not null,
  actor    text not null,
  verdict  text not null check (verdict in ('good', 'bad')),
  kind     text not null default '',
  reason   text not null default '',
  noted_at timestamptz not null default now(),
  primary key (tenant, effect, actor),
  foreign key (tenant, run_id) references runs on delete cascade
);
create index feedback_by_run on feedback (tenant, run_id);
grant select, insert, update, delete on feedback to agent_flows;
alter table feedback enable row level security;
alter table feedback force row level security;
create policy tenant on feedback using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on feedback to agent_flows_definer using (true);
