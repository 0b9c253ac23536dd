-- name: catalogue
-- All that code may rely on, by kind and name, with the table that it belongs to.
with tables as (
  select oid, relname::text as name, relfilenode, relrowsecurity, relkind from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm'))
select 'table' as kind, name, name as of, jsonb_build_object('files', relfilenode, 'bound', relrowsecurity) as facts from tables
union all
select 'column', name || '.' || attname, name, jsonb_build_object(
    'type', format_type(atttypid, atttypmod), 'not null', attnotnull, 'default', atthasdef or attidentity <> '',
    'made', attgenerated::text || attidentity::text)
  from tables join pg_attribute on attrelid = tables.oid and attnum > 0 and not attisdropped
union all
select 'index', relname, name, jsonb_build_object('form', pg_get_indexdef(indexrelid))
  from tables join pg_index on indrelid = tables.oid join pg_class on pg_class.oid = indexrelid
union all
select 'constraint', conname, name, jsonb_build_object('type', contype::text, 'form', pg_get_expr(conbin, conrelid), 'valid', convalidated,
    'columns', (select jsonb_agg(name || '.' || attname) from pg_attribute where attrelid = conrelid and attnum = any (conkey)))
  from tables join pg_constraint on conrelid = tables.oid where contype in ('c', 'f', 'u', 'p', 'x')
union all
select 'trigger', tgname, name, jsonb_build_object('form', pg_get_triggerdef(pg_trigger.oid))
  from tables join pg_trigger on tgrelid = tables.oid where not tgisinternal
union all
select 'policy', polname || ' on ' || name, name, jsonb_build_object('permissive', polpermissive, 'for', polcmd::text,
    'roles', polroles::text, 'form', coalesce(pg_get_expr(polqual, polrelid), '') || coalesce(pg_get_expr(polwithcheck, polrelid), ''))
  from tables join pg_policy on polrelid = tables.oid
union all
select 'function', pg_proc.oid::regprocedure::text, '', jsonb_build_object('result', pg_get_function_result(pg_proc.oid), 'strict', proisstrict,
    'definer', prosecdef, 'names', coalesce(proargnames::text, ''), 'defaults', pronargdefaults, 'name', proname, 'parameters', pronargs)
  from pg_proc where pronamespace = 'public'::regnamespace
    and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
union all
select 'right', privilege_type || ' on ' || name || ' for ' || coalesce(grantee::regrole::text, 'public'), name, '{}'
  from tables join pg_class using (oid), aclexplode(relacl) where grantee <> relowner
union all
select 'right', 'execute on ' || pg_proc.oid::regprocedure || ' for ' || case grantee when 0 then 'public' else grantee::regrole::text end, '', '{}'
  from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner)))
  where pronamespace = 'public'::regnamespace and grantee <> proowner
    and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e');

-- name: touched
-- How many rows of each table were changed or deleted; also of transactions before, for up to a second.
select relname::text, n_tup_upd + n_tup_del from pg_stat_xact_user_tables;
