-- name: ended
-- End the other sessions of a database and wait for each; false where one does not end.
select pg_terminate_backend(pid, 10000) as gone from pg_stat_activity
 where datname = %(name)s and pid <> pg_backend_pid();

-- name: form
-- What a copy gets that is no row of the database itself, and since when the server counts rows.
select (datdba, datacl, datconnlimit, datallowconn, datistemplate,
        array(select (setrole, setconfig)::text from pg_db_role_setting where setdatabase = pg_database.oid),
        (select count(*) from pg_prepared_xacts where database = datname),
        (select stats_reset from pg_stat_bgwriter))::text as form
  from pg_database where datname = %(name)s;

-- name: written
-- The tables that were written to since the last count, the catalogue's too, how many rows, and whether
-- deleting them is enough: it is not where the planner learned something of the table.
select oid::regclass::text as name, rows,
       learned = 0 and relnamespace = 'public'::regnamespace and relname <> 'migrations' as ours
  from pg_class, lateral (
    select pg_stat_get_tuples_inserted(oid) + pg_stat_get_tuples_updated(oid) + pg_stat_get_tuples_deleted(oid) as rows,
           pg_stat_get_analyze_count(oid) + pg_stat_get_autoanalyze_count(oid)
           + pg_stat_get_vacuum_count(oid) + pg_stat_get_autovacuum_count(oid) as learned) as counted
 where relkind in ('r', 'm') and not relisshared and rows + learned > 0;

-- name: restart
-- Let the numbers begin at one again.
select setval(seqrelid, seqstart, false) from pg_sequence where pg_sequence_last_value(seqrelid) is not null;

-- name: flush
-- Have this session's counts written down before the next statement.
select pg_stat_force_next_flush();

-- name: count
-- Begin to count rows again.
select pg_stat_reset();
