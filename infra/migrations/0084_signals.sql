-- What people made of what a run did: one row for each thing that one of them said or did, or that came of it within a
-- window. `effect` is the effect that it is about, where there is one. A signal goes with its run.

create table signals (
  tenant     text not null,
  -- What it is, so that it counts once whatever is delivered twice: of a thumb its message and its person, for instance.
  key        text not null,
  run_id     text not null,
  effect     text,
  flow       text not null,
  repository text,
  kind       text not null check (kind in (
    'liked', 'disliked', 'accepted', 'dismissed', 'resolved', 'relabelled', 'undone', 'edited', 'corrected', 'committed',
    'changed_before_merge', 'unchanged_before_merge', 'closed_as_duplicate', 'not_duplicate', 'reopened', 'quiet',
    'escalated', 'answered_after')),
  -- From -1, it was wrong to do so, to 1, it was right. 0 is a word that was taken back.
  value      double precision not null check (value between -1 and 1),
  -- The account on the platform; null for what nobody in particular did.
  actor      text,
  -- How much it counts: 0 for what a person said too often, and for a word that was taken back.
  weight     double precision not null check (weight between 0 and 1),
  -- Why, by a closed word, and in the person's own words.
  cause      text not null default '',
  words      text not null default '',
  at         timestamptz not null,
  primary key (tenant, key),
  foreign key (tenant, run_id) references runs on delete cascade
);
create index signals_by_run on signals (tenant, run_id);
create index signals_by_flow on signals (tenant, flow, at);
create index signals_by_actor on signals (tenant, actor, at);
grant select, insert, update, delete on signals to agent_flows;
alter table signals enable row level security;
alter table signals force row level security;
create policy tenant on signals using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on signals to agent_flows_definer using (true);
