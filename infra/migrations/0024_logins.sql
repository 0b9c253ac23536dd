-- Functions sign in as logins that own nothing. Each acts as one role, and for one tenant at a time:
--   agent_flows            what flows do, for the tenant that the transaction names
--   agent_flows_operator   the same, and it alone may call the functions that work for all tenants
--   agent_flows_reader     reads runs and plans
-- agent_flows_definer is nobody's to act as: the functions that work for all tenants run as it.

do $$
declare
  one text;
begin
  foreach one in array array['agent_flows_operator', 'agent_flows_definer'] loop
    if not exists (select from pg_roles where rolname = one) then
      begin
        execute format('create role %I nologin', one);
      exception when duplicate_object or unique_violation then null; -- another database of this server made it just now
      end;
    end if;
  end loop;
  if not exists (
    select from pg_extension join pg_namespace as place on place.oid = extnamespace
    where extname = 'vector' and place.nspname = 'public'
  ) then
    raise exception 'pgvector stands outside the schema public, where functions do not look; run `alter extension vector set schema public`';
  end if;
end $$;
grant agent_flows to agent_flows_operator;
-- So the owner sees what it owns, though row level security binds it too.
grant agent_flows_operator, agent_flows_definer to current_user;
grant usage on schema public to agent_flows_operator, agent_flows_definer;

-- What somebody makes for a session would stand before what is ours.
do $$
begin
  execute format('revoke temporary on database %I from public', current_database());
  execute 'revoke create on schema public from public';
end $$;

-- Row level security binds whoever owns a table. The rows of one tenant are seen by `tenant`, those of all by
-- `all_tenants`. The older policies let the owner see a part of them.
drop policy upkeep on memories;
drop policy pending_consolidation on memories;
drop policy pending_consolidation on consolidation_progress;
drop policy listed on consolidations;
drop policy pending_facts on turns;
drop policy expiry on output_sizes;
do $$
declare
  one regclass;
begin
  for one in
    select c.oid::regclass from pg_class as c join pg_attribute as a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and a.attname = 'tenant' and not a.attisdropped
  loop
    execute format('alter table %s enable row level security', one);
    execute format('alter table %s force row level security', one);
    execute format('create policy all_tenants on %s to agent_flows_definer using (true)', one);
  end loop;
end $$;
-- These hold nothing of any tenant, and no flow sees `batches` or `migrations`.
do $$
declare
  one text;
begin
  foreach one in array array['batches', 'model_buckets', 'model_reservations', 'migrations'] loop
    execute format('alter table %I enable row level security', one);
    execute format('alter table %I force row level security', one);
  end loop;
end $$;
create policy all_tenants on batches to agent_flows_definer using (true);
create policy account on model_buckets to agent_flows using (true);
create policy account on model_reservations to agent_flows using (true);
create policy owner on migrations using (true); -- nobody else is granted the table

-- What the functions for all tenants need, and no more. Rows that go along with others go in the name of the owner.
grant select, delete on events, budget_days, budget_reservations, output_sizes, prompt_cache, embeddings, memories,
  memory_terms to agent_flows_definer;
grant select, insert, update, delete on batches to agent_flows_definer;
grant select, update on prompt_cache_totals, batch_requests to agent_flows_definer;
grant select on runs, memory_vectors, memory_embedders, consolidation_progress to agent_flows_definer;
grant select (tenant, role, looked_at, audience, created_at) on turns to agent_flows_definer;

-- Functions that run as somebody else: as one who owns no table and is no superuser, for the operator alone, and with a
-- search path on which no other's objects come first.
grant create on schema public to agent_flows_definer;
do $$
declare
  one regprocedure;
begin
  for one in select oid from pg_proc where pronamespace = 'public'::regnamespace and prosecdef loop
    execute format('alter function %s set search_path = pg_catalog, public, pg_temp', one);
    execute format('revoke execute on function %s from public, agent_flows', one);
    execute format('grant execute on function %s to agent_flows_operator', one);
    execute format('alter function %s owner to agent_flows_definer', one);
  end loop;
end $$;
revoke create on schema public from agent_flows_definer;

-- Begins the work of a transaction: as this role, for this tenant, with the names that the schema public has, and with
-- plans for what is there now. (Triggers and foreign keys plan once, and a plan for an empty table reads all of it ever
-- after: https://www.postgresql.org/docs/current/runtime-config-query.html#GUC-PLAN-CACHE-MODE)
-- All of it ends with the transaction, so a pooler may give the connection to anybody then.
create function act_for(of_tenant text, of_role text) returns void language plpgsql as $$
begin
  if not pg_has_role(session_user, of_role, 'member') then
    raise exception 'the login % may not act as %', session_user, of_role
      using errcode = 'AF002', hint = format('grant %I to %I', of_role, session_user);
  end if;
  perform set_config('role', of_role, true), set_config('app.tenant', of_tenant, true),
          set_config('search_path', 'pg_catalog, public, pg_temp', true),
          set_config('plan_cache_mode', 'force_custom_plan', true);
  if current_user <> of_role then
    raise exception 'it acts as %, not as %', current_user, of_role
      using errcode = 'AF002', hint = 'let no pooler between here and Postgres change statements';
  end if;
end $$;

-- Refuses a login that row level security does not bind, or that could change what binds it. A function asks once for each
-- connection.
create function check_login() returns void language plpgsql stable as $$
declare
  me oid := quote_ident(session_user)::regrole;
  fault text := case
    when (select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb from pg_roles where oid = me)
      then 'is a superuser, or may bypass row level security, or may make roles or databases'
    when exists (select from pg_shdepend
                 where refclassid = 'pg_authid'::regclass and refobjid = me and deptype = 'o')
      then 'owns something'
    when exists (select from pg_class as c
                 where c.oid = 'public.events'::regclass and pg_has_role(session_user, c.relowner, 'member'))
         or pg_has_role(session_user, 'agent_flows_definer', 'member')
      then 'may act as the owner of the tables or of their functions'
    when has_database_privilege(session_user, current_database(), 'temporary, create')
         or has_schema_privilege(session_user, 'public', 'create')
      then 'may make temporary tables, or objects in the schema public'
  end;
begin
  if fault is not null then
    raise exception 'the login % %', session_user, fault
      using errcode = 'AF002', hint = 'give this function the URL of a login of its own';
  end if;
end $$;
