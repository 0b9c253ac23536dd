-- name: open
-- The newest result of each row and model, which rows this start covers, and what was confused.
create table results (
  model text, id text, hash text, line int, error text, message text, score int, ms real,
  input int, output int, cached int, calls int, cost real, source text,
  start int, length int, covered int default 0,
  primary key (model, id)
) without rowid;

-- name: open_rows
-- The ids that were read in this start.
create table rows (id text primary key) without rowid;

-- name: open_pairs
-- What was expected and what came, by row, model and field.
create table pairs (
  model text, id text, field text, expected text, got text, primary key (model, id, field)
) without rowid;

-- name: forget_rows
-- Forget the ids that were read.
delete from rows;

-- name: read_row
-- Note that a row was read; does nothing when its id was read before.
insert or ignore into rows values (?);

-- name: keep
-- Put a result in the place of an older one of the same row and model.
insert or replace into results values (
  :model, :id, :hash, :line, :error, :message, :score, :ms, :input, :output, :cached, :calls, :cost,
  :source, :start, :length, :covered
);

-- name: forget_pairs
-- Forget what an older result confused.
delete from pairs where model = :model and id = :id;

-- name: keep_pair
-- Note what was expected and what came.
insert or replace into pairs values (:model, :id, :field, :expected, :got);

-- name: find
-- Look up the result of a row and model.
select hash, error from results where model = :model and id = :id;

-- name: cover
-- Say that a result is of a row that this start asked for.
update results set covered = 1 where model = :model and id = :id;

-- name: in_order
-- Where the newest results stand in the file, by the lines of the input.
select start, length from results order by line, id, model;

-- name: totals
-- Count what came of the covered rows of a model.
select
  count(*) as rows,
  count(*) filter (where error = '') as ok,
  count(score) as scored,
  coalesce(sum(score), 0) as correct,
  coalesce(sum(input), 0) as input_tokens,
  coalesce(sum(output), 0) as output_tokens,
  coalesce(sum(cached), 0) as cached_tokens,
  coalesce(sum(calls), 0) as calls,
  coalesce(sum(cost), 0.0) as cost,
  count(*) filter (where cost is null) as price_unknown,
  count(*) filter (where source in ('process', 'shared')) as cache_hits,
  count(ms) filter (where source = 'provider') as timed
from results where model = :model and covered;

-- name: failures
-- Count the failures of a model by kind, each with one of its messages.
select error as kind, count(*) as rows, min(message) as message
from results where model = :model and covered and error <> '' group by error order by 2 desc, 1;

-- name: latency
-- The latency at a place in the order of all that a model's provider took.
select ms from results where model = :model and covered and source = 'provider' and ms is not null
order by ms limit 1 offset :place;

-- name: confusions
-- The most frequent confusions of a model.
select field, expected, got, count(*) as rows
from pairs join results using (model, id)
where model = :model and covered and expected <> got
group by field, expected, got order by rows desc, field, expected, got limit :most;

-- name: labels
-- How often each of the most frequent expected labels was met.
select field, expected, count(*) as rows, count(*) filter (where expected = got) as correct
from pairs join results using (model, id)
where model = :model and covered
group by field, expected order by rows desc, field, expected limit :most;

-- name: paired
-- Count the rows that two models were both judged on, by who was right.
select
  count(*) as rows,
  count(*) filter (where a.score = 1 and b.score = 0) as only_first,
  count(*) filter (where a.score = 0 and b.score = 1) as only_second
from results a join results b on b.id = a.id
where a.model = :first and b.model = :second and a.covered and b.covered
  and a.score is not null and b.score is not null;
