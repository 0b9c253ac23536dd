-- Consolidation: how far a tenant's memories were gone through, and what was changed of them, so that it can be undone.

alter table memories
  -- When the count of its uses was last halved.
  add column lowered_at timestamptz,
  -- What facts are compared by: subjects that differ in case, spaces, hyphens and underscores only are one.
  add column subject_key text generated always as (
    case when kind = 'fact' then btrim(regexp_replace(lower(ref), '[\s_-]+', ' ', 'g')) end) stored,
  -- What was merged into a memory, or superseded by it, goes with it: forgotten text must not come back by an undo.
  add foreign key (tenant, superseded_by) references memories (tenant, id)
    on delete cascade deferrable initially deferred;
create index memories_by_successor on memories (tenant, superseded_by) where superseded_by is not null;
create index memories_by_subject_key on memories (tenant, flow, subject_key)
  where subject_key is not null and valid_until is null;
create index memories_by_age on memories (tenant, remembered_at, id) where valid_until is null;
-- For grants that cover all repositories of an owner: in the C collation what starts alike stands together.
create index memories_by_audience_name on memories (tenant, audience collate "C");

-- One row per tenant: the pass over its memories that is under way, or ended at `finished_at`. All that was remembered up
-- to (at, id) has been compared; the pass ends at what was remembered at `until`.
create table consolidation_progress (
  tenant      text primary key,
  pass        uuid not null default gen_random_uuid(),
  started_at  timestamptz not null default now(),
  until       timestamptz not null,
  at          timestamptz not null default 'epoch',
  id          uuid not null default '00000000-0000-0000-0000-000000000000',
  finished_at timestamptz
);

-- What was changed. `memories` are those that changed, `kept` what took their place, `before` how they were: never a text.
create table consolidations (
  tenant    text not null,
  id        text not null default left(replace(gen_random_uuid()::text, '-', ''), 12),
  pass      uuid not null,
  at        timestamptz not null default now(),
  operation text not null check (operation in ('merge', 'supersede', 'lower', 'drop')),
  memories  uuid[] not null,
  kept      uuid,
  before    json not null,
  undone_at timestamptz,
  -- Since when it cannot be undone any more: what was dropped is deleted.
  final_at  timestamptz,
  primary key (tenant, id)
);
create index consolidations_by_time on consolidations (tenant, at);
create index consolidations_to_finish on consolidations (tenant, at)
  where operation = 'drop' and undone_at is null and final_at is null;

grant select, insert, update, delete on consolidation_progress, consolidations to agent_flows;
alter table consolidation_progress enable row level security;
alter table consolidation_progress force row level security;
alter table consolidations enable row level security;
alter table consolidations force row level security;
create policy tenant on consolidation_progress using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy tenant on consolidations using (tenant = nullif(current_setting('app.tenant', true), ''));

-- The tenants whose last pass is not done, or was done a day ago. It runs as its owner, which row level security binds
-- too: so the owner may look. It steps from tenant to tenant in the index: each costs one look, however many rows it has.
create policy pending_consolidation on memories for select to current_user using (true);
create policy pending_consolidation on consolidation_progress for select to current_user using (true);
create policy listed on consolidations for select to current_user using (true);
create function pending_consolidation() returns setof text
language sql security definer set search_path = public, pg_temp as $$
  with recursive tenants as (
    (select tenant from memories order by tenant limit 1)
    union all
    select (select m.tenant from memories m where m.tenant > t.tenant order by m.tenant limit 1)
    from tenants t where t.tenant is not null)
  select t.tenant from tenants t left join consolidation_progress p using (tenant)
  where t.tenant is not null
    and (p.tenant is null or p.finished_at is null or p.finished_at < now() - interval '1 day')
$$;
revoke execute on function pending_consolidation() from public;
grant execute on function pending_consolidation() to agent_flows;
