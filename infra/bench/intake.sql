-- name: make_batches
-- The batches of a results file. One is `named` before it is submitted, so that it is found again.
create table if not exists batches (
  name text primary key, arm text, since real, handle text, state text default 'named'
);

-- name: make_items
-- What each batch holds. A row travels once per attempt; `reason` is why it has no answer.
create table if not exists items (
  batch text, item text, arm text, id text, line int, hash text, expect text, reason text default '',
  primary key (batch, item)
);

-- name: index_items
-- Rows are looked up by model and id.
create index if not exists items_of_row on items (arm, id);

-- name: name_batch
-- Note that a batch is about to be submitted.
insert into batches (name, arm, since) values (:name, :arm, :since);

-- name: add_item
-- Note a row of it.
insert into items (batch, item, arm, id, line, hash, expect)
values (:batch, :item, :arm, :id, :line, :hash, :expect);

-- name: record
-- Keep the handle by which the provider knows a batch.
update batches set handle = :handle, state = 'running' where name = :name;

-- name: settle
-- Say that nothing more will come of a batch.
update batches set state = 'settled' where name = :name;

-- name: give_reason
-- Keep why rows of a batch have no answer, where nothing else is known of them.
update items set reason = :reason where batch = :batch and reason = '';

-- name: give_reason_of
-- Keep why a row has no answer.
update items set reason = :reason where batch = :batch and item = :item;

-- name: open
-- The batches of which something may still come.
select name, arm, since, handle from batches where state <> 'settled' order by since;

-- name: handles
-- The handles that are known.
select handle from batches where handle is not null;

-- name: item
-- Look up a row by what it is called in a batch.
select arm, id, line, hash, expect from items where batch = :batch and item = :item;

-- name: travelled
-- How often a row travelled since a moment, whether it still does, and why it had no answer.
select
  count(*) filter (where since >= :since) as attempts,
  count(*) filter (where state <> 'settled') as under_way,
  coalesce(max(reason), '') as reason
from items join batches on batches.name = items.batch
where items.arm = :arm and id = :id and hash = :hash;
