-- Which run took an effect back, or is about to: '' for none. What stayed is free for a later one.
alter table effects add column undone_by text not null default '';
