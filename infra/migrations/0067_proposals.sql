-- What the agent proposes to do for a person outside of their conversation: exactly what, until when, and who decided.
-- The digest is of the exact payload, and `decided_in` names the run that carries it out, so that only one does.

create table proposals (
  tenant      text not null,
  id          text not null,
  event_id    text not null,
  run_id      text not null,
  digest      text not null,
  payload     json not null,
  state       text not null default 'asked' check (state in ('asked', 'approved', 'rejected')),
  decided_by  text not null default '',
  decided_in  text not null default '',
  asked_at    timestamptz not null default now(),
  expires_at  timestamptz not null,
  decided_at  timestamptz,
  primary key (tenant, id),
  foreign key (tenant, event_id) references events on delete cascade
);
create index proposals_by_event on proposals (tenant, event_id);
create index proposals_open on proposals (tenant, expires_at) where state = 'asked';

grant select, insert, update, delete on proposals to agent_flows;
alter table proposals enable row level security;
alter table proposals force row level security;
create policy tenant on proposals using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on proposals to agent_flows_definer using (true);
