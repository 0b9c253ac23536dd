"""Migrations of a schema of a few things, for tests of how migrations are applied."""

from infra.migrations import Migration

#: A table, more rows of it than a batch takes, and the same in each of the ways to do a step.
THINGS = """
create table things (id int primary key, name text, filled int not null default 0, times int);
insert into things (id, name) select n, 'thing ' || n from generate_series(1, 90) as n;
"""
BATCHES = """-- step: fill, in batches
with batch as (
  select id from things where id > coalesce(%(after)s::int, 0) order by id limit 20
), filled as (update things set filled = filled + 1 from batch where things.id = batch.id)
select max(id)::text from batch;
"""
INDEX = """-- step: names, concurrently
create index concurrently things_name on things (name);
"""
STEPS = f"""-- What a bigger change looks like.
-- step: column
alter table things add column size int;
{BATCHES}{INDEX}-- step: check
alter table things add constraint sized check (size > 0) not valid;
-- step: validate
alter table things validate constraint sized;
"""


def files(*texts: str) -> list[Migration]:
    """Return migrations of these texts, numbered from 1."""
    return [Migration(number, f"file_{number}", sql) for number, sql in enumerate(texts, 1)]


CHAIN = files(THINGS, STEPS, "create table others (id int primary key);", BATCHES)
