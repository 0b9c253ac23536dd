-- name: made
-- Is everything here that `make` makes?
select to_regclass('public.deployments') is not null as made;

-- name: make
-- What the database knows of its own migrations. Nobody but the owner is granted it.
create table if not exists migrations (
  number int primary key, name text not null, digest text not null, applied_at timestamptz not null default now());
alter table migrations add column if not exists contracts boolean not null default false;
-- A step that is done, or how far one in batches has come.
create table migration_steps (
  number int not null, step text not null, after text, batches int not null default 0,
  done_at timestamptz, primary key (number, step));
-- An attempt to migrate: who, what it does now, how it ended.
create table migration_runs (
  id text primary key, pid int not null, started timestamptz not null, began_at timestamptz not null default now(),
  doing text not null default '', doing_since timestamptz not null default now(), waits text not null default '',
  applied text[] not null default '{}', logins text[] not null default '{}',
  ended_at timestamptz, failed text not null default '');
-- Which contract migrations the code ships that was live after a deployment: it uses nothing that they take away.
create table deployments (
  at timestamptz primary key default clock_timestamp(), ships int[] not null);
do $$
declare
  one text;
begin
  foreach one in array array['migration_steps', 'migration_runs', 'deployments'] loop
    execute format('alter table %I enable row level security', one);
    execute format('alter table %I force row level security', one);
    execute format('create policy owner on %I using (true)', one);
  end loop;
end $$;

-- name: applied
-- The migrations that were applied, by number.
select number, name, digest, contracts from migrations;

-- name: is_new
-- Has this database no schema yet? No older code uses it then.
select not exists (select from migrations) as is_new;

-- name: released
-- The contract migrations that the live code ships.
select ships from deployments order by at desc limit 1;

-- name: release
-- The code with these contract migrations is live, and no older code.
insert into deployments (ships) values (%s);

-- name: begin
-- An attempt begins; none where this very one did before.
insert into migration_runs (id, pid, started)
select %(id)s, pid, backend_start from pg_stat_activity where pid = pg_backend_pid()
on conflict (id) do nothing returning id;

-- name: forget
-- Only the last attempts are of interest.
delete from migration_runs where began_at < now() - interval '90 days';

-- name: doing
-- What the attempt does now.
update migration_runs set doing = %(doing)s, doing_since = now(), waits = '' where id = %(id)s;

-- name: waits
-- What it waits for.
update migration_runs set waits = %(waits)s where id = %(id)s;

-- name: end
-- The attempt has ended.
update migration_runs set ended_at = now(), doing = '', waits = '', failed = %(failed)s, logins = %(logins)s
where id = %(id)s;

-- name: steps
-- The steps of a migration that were begun: done, or how far.
select step, after, batches, done_at is not null as done from migration_steps where number = %s;

-- name: step
-- A step is done, or a batch of it is.
insert into migration_steps (number, step, after, batches, done_at)
values (%(number)s, %(step)s, %(after)s, %(batches)s, case when %(done)s then now() end)
on conflict (number, step) do update set after = excluded.after, batches = excluded.batches, done_at = excluded.done_at;

-- name: done
-- A migration is applied.
insert into migrations (number, name, digest, contracts) values (%(number)s, %(name)s, %(digest)s, %(contracts)s);

-- name: applies
-- The attempt has applied it.
update migration_runs set applied = applied || %(title)s::text where id = %(id)s;

-- name: index
-- Is there an index of that name, and did its making end?
select indisvalid as valid from pg_index where indexrelid = to_regclass(%s);
