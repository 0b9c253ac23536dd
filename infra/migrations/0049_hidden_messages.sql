-- The message of its queue that waits with a run which waits, hidden: its address and its receipt handle. Whoever stops the
-- run lets it come at once, so that later events of the conversation wait no longer.
alter table runs add column message json;
