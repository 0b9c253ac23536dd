-- name: tables
-- The tables with rows of their own.
select relname from pg_class
where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'migrations';

-- name: ends
-- How the runs stand.
select state, reason from runs order by started_at;

-- name: memories
-- What is remembered.
select concat_ws(' ', kind, ref, audience, trust, text) from memories;

-- name: turns
-- What was said in conversations.
select concat_ws(' ', role, author, text) from turns;

-- name: effects
-- What was done, or may have been, as the journal knows it.
select concat_ws(' ', tool, target, state) from effects where state in ('committed', 'unknown');
