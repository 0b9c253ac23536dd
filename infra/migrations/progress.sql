-- name: holder
-- The session that migrates, and what it does.
select locks.pid, coalesce(runs.doing, '') as doing, coalesce(runs.waits, '') as waits,
       greatest(extract(epoch from now() - coalesce(runs.doing_since, activity.backend_start)), 0)::float as seconds
  from pg_locks as locks left join pg_stat_activity as activity using (pid)
  left join migration_runs as runs on runs.pid = locks.pid and runs.started = activity.backend_start and runs.ended_at is null
 where locks.locktype = 'advisory' and locks.granted and locks.classid = %(high)s and locks.objid = %(low)s and locks.objsubid = 1
   and locks.database = (select oid from pg_database where datname = current_database());

-- name: attempt
-- The attempt of that id, or the newest; it died when it has not ended and its session is gone.
select true as begun, applied, logins, ended_at is not null as ended, failed,
       ended_at is null and not exists (
         select from pg_stat_activity as activity where activity.pid = runs.pid and backend_start = started) as died
  from migration_runs as runs where id = %(id)s or %(id)s = '' order by began_at desc limit 1;

-- name: batches
-- How many batches of the step at hand are done.
select batches from migration_steps where done_at is null and batches > 0 order by number desc limit 1;

-- name: waits
-- What the session waits to lock, and who holds it. What others do is hidden from a login without rights.
select coalesce(wanted.mode, 'a lock') as mode, coalesce(wanted.relation::regclass::text, wanted.locktype) as what,
       activity.pid, activity.usename as login, activity.state, extract(epoch from now() - activity.xact_start) as seconds
  from pg_locks as wanted, unnest(pg_blocking_pids(wanted.pid)) as holder (pid)
  join pg_stat_activity as activity on activity.pid = holder.pid
 where wanted.pid = %(pid)s and not wanted.granted limit 3;

-- name: index
-- How far an index is.
select phase, blocks_done, blocks_total, current_locker_pid from pg_stat_progress_create_index
 where pid = %(pid)s and datname = current_database();
