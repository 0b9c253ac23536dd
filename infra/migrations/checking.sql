-- name: look
-- What the database is, what this login may do in it, and how many connections it leaves to others.
select current_setting('server_version') as version,
       current_setting('server_version_num')::int as number,
       current_setting('server_encoding') as encoding,
       pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on' as only_reads,
       pg_backend_pid() as pid,
       me.rolsuper or me.rolcreaterole as makes_roles,
       me.rolsuper or pg_has_role(base.datdba, 'member') as owns,
       has_database_privilege(base.oid, 'create') as creates,
       (select installed_version from pg_available_extensions where name = 'vector') as vector,
       (select default_version from pg_available_extensions where name = 'vector') as offered,
       least(
         current_setting('max_connections')::int
           - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true)::int, 0),
         nullif(base.datconnlimit, -1)
       ) as connections,
       (select count(*) from pg_stat_activity
        where datname <> current_database()
       )::int as others
from pg_roles as me, pg_database as base
where me.rolname = current_user and base.datname = current_database();
