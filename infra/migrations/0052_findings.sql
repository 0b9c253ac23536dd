-- What reviews found and what people made of it; and the commit of each pull request that was reviewed last.

create table reviewed_commits (
  tenant      text not null,
  repository  text not null,
  number      integer not null,
  -- The base is a branch: another one makes another change of the same commits.
  base        text not null,
  head        text not null,
  run_id      text not null,
  reviewed_at timestamptz not null default now(),
  primary key (tenant, repository, number)
);

create table findings (
  tenant      text not null,
  id          text not null,
  repository  text not null,
  number      integer not null,
  head        text not null,
  run_id      text not null,
  path        text not null,
  line        integer not null,
  severity    text not null,
  category    text not null,
  claim       text not null,
  -- The quoted code without its spaces, so that it is known again where it moved to.
  shape       text not null,
  -- Held findings are told in the summary alone. The id of the comment on GitHub is 0 until it is known.
  state       text not null default 'held' check (state in ('posted', 'held', 'dismissed', 'fixed', 'withdrawn')),
  comment     bigint not null default 0,
  reason      text not null default '',
  decided_by  text not null default '',
  decided_at  timestamptz,
  found_at    timestamptz not null default now(),
  primary key (tenant, id)
);
create index findings_by_place on findings (tenant, repository, state);
create index findings_by_comment on findings (tenant, comment) where comment > 0;

grant select, insert, update, delete on reviewed_commits, findings to agent_flows;
alter table reviewed_commits enable row level security;
alter table reviewed_commits force row level security;
alter table findings enable row level security;
alter table findings force row level security;
create policy tenant on reviewed_commits using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on reviewed_commits to agent_flows_definer using (true);
create policy tenant on findings using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on findings to agent_flows_definer using (true);
