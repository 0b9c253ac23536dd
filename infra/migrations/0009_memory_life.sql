-- The life of a memory: whose it is, where it came from, from when until when it holds, and how often it was of use.

alter table memories
  -- The flow that alone may recall it; '' is shared by all.
  add column flow text not null default '',
  -- Where it was said, for deletion by source: `github:acme/shop`, `slack:T1:C1`.
  add column source text not null default '',
  -- Of the text as it is compared: equal texts have equal digests.
  add column digest text not null default '',
  add column valid_from timestamptz not null default now(),
  -- Null as long as it holds. What took its place is `superseded_by`; null there when it was only withdrawn.
  add column valid_until timestamptz,
  add column superseded_by uuid,
  add column uses int not null default 0,
  add column used_at timestamptz,
  add check ((superseded_by is null) or (valid_until is not null));

-- One row that holds per subject; the older ones stay beside it as history.
alter table memories drop constraint memories_tenant_kind_ref_key;
create unique index memories_by_subject on memories (tenant, flow, kind, ref) where valid_until is null;
create index memories_by_source on memories (tenant, source);
create index memories_by_digest on memories (tenant, digest);

-- What must not be remembered again, because somebody asked to forget it: a digest, a subject, an author, a source.
create table memory_blocks (
  tenant     text not null,
  by         text not null check (by in ('digest', 'ref', 'author', 'source')),
  value      text not null,
  reason     text not null default '',
  blocked_at timestamptz not null default now(),
  primary key (tenant, by, value)
);

-- Who changed or read out what, in counts: never the text.
create table memory_audit (
  tenant   text not null,
  id       uuid not null default gen_random_uuid(),
  at       timestamptz not null default now(),
  actor    text not null,
  action   text not null,
  event_id text not null default '',
  counts   json not null default '{}',
  primary key (tenant, id)
);
create index memory_audit_by_time on memory_audit (tenant, at);

grant select, insert, update, delete on memory_blocks to agent_flows;
grant select, insert on memory_audit to agent_flows;
alter table memory_blocks enable row level security;
alter table memory_blocks force row level security;
alter table memory_audit enable row level security;
alter table memory_audit force row level security;
create policy tenant on memory_blocks using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy tenant on memory_audit using (tenant = nullif(current_setting('app.tenant', true), ''));
