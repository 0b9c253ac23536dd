-- Documents: what was taken of a folder or a repository, so that only what changed is read and embedded again.

-- One row per place that documents come from.
create table memory_sources (
  tenant   text not null,
  source   text not null,
  -- Who may see what came from there; when that changes, the memories follow.
  audience text not null,
  -- Which further files count as documents, as globs.
  includes text[] not null default '{}',
  -- The commit that the memory stands at; '' before the first complete pass, and for folders.
  head     text not null default '',
  taken_at timestamptz not null default now(),
  primary key (tenant, source)
);

-- One row per document: the hash of its content, and the digest of each of its passages by ref.
-- A file that was left out has a row without passages, so that it is not read again.
create table memory_files (
  tenant   text not null,
  source   text not null,
  kind     text not null check (kind in ('document', 'issue')),
  path     text not null,
  hash     text not null,
  passages jsonb not null default '{}',
  taken_at timestamptz not null default now(),
  primary key (tenant, source, kind, path)
);

grant select, insert, update, delete on memory_sources, memory_files to agent_flows;
alter table memory_sources enable row level security;
alter table memory_sources force row level security;
alter table memory_files enable row level security;
alter table memory_files force row level security;
create policy tenant on memory_sources using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy tenant on memory_files using (tenant = nullif(current_setting('app.tenant', true), ''));
