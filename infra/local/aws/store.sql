-- name: schema
-- Messages by queue, the deduplication ids of the last five minutes, the objects of buckets, executions, and one-time
-- schedules.
create table if not exists message (
    position integer primary key autoincrement,
    queue text not null,
    id text not null,
    body text not null,
    attributes text not null,
    conversation text,
    deduplication text,
    sent integer not null,
    receives integer not null default 0
);
create unique index if not exists message_id on message (queue, id);
create table if not exists recent (
    queue text not null,
    deduplication text not null,
    position integer not null,
    id text not null,
    sent integer not null,
    primary key (queue, deduplication)
);
create index if not exists recent_sent on recent (sent);
create table if not exists object (
    bucket text not null,
    key text not null,
    body blob not null,
    primary key (bucket, key)
);
create table if not exists execution (
    arn text primary key,
    machine text not null,
    input text not null,
    ended integer not null default 0
);
create table if not exists schedule (
    name_group text not null,
    name text not null,
    body text not null,
    due real not null,
    primary key (name_group, name)
);

-- name: forget
-- Drop the deduplication ids that SQS would no longer remember.
delete from recent where sent < :oldest;

-- name: duplicate
-- The message that was sent with the same deduplication id, also when it is deleted by now.
select id, position from recent where queue = :queue and deduplication = :deduplication;

-- name: remember
-- Remember a deduplication id.
insert into recent (queue, deduplication, position, id, sent)
values (:queue, :deduplication, :position, :id, :sent);

-- name: add
-- Append a message to a queue.
insert into message (queue, id, body, attributes, conversation, deduplication, sent, receives)
values (:queue, :id, :body, :attributes, :conversation, :deduplication, :sent, :receives);

-- name: received
-- Note how often a message was received.
update message set receives = :receives where queue = :queue and id = :id;

-- name: remove
-- Delete a message.
delete from message where queue = :queue and id = :id;

-- name: messages
-- The messages of a queue in the order in which they were sent.
select id, body, attributes, conversation, deduplication, sent, receives, position
from message where queue = :queue order by position;

-- name: put_object
-- Write an object of a bucket.
insert into object (bucket, key, body) values (:bucket, :key, :body)
on conflict (bucket, key) do update set body = excluded.body;

-- name: remove_object
-- Delete an object of a bucket.
delete from object where bucket = :bucket and key = :key;

-- name: keys
-- The keys of a bucket.
select key from object where bucket = :bucket order by key;

-- name: object
-- One object of a bucket.
select body from object where bucket = :bucket and key = :key;

-- name: begin_execution
-- Keep an execution that begins; its name is taken for good.
insert into execution (arn, machine, input) values (:arn, :machine, :input) on conflict do nothing;

-- name: end_execution
-- Note that an execution is over.
update execution set ended = 1 where arn = :arn;

-- name: executions
-- The executions that are not over, the oldest first.
select arn, machine, input from execution where ended = 0 order by rowid;

-- name: add_schedule
-- Keep a schedule; its name is taken as long as it is there.
insert into schedule (name_group, name, body, due) values (:group, :name, :body, :due) on conflict do nothing;

-- name: remove_schedule
-- Delete a schedule.
delete from schedule where name_group = :group and name = :name;

-- name: schedules
-- The schedules, the next first.
select name_group, name, body, due from schedule order by due, name;
