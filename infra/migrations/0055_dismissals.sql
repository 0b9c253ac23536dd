-- How often people dismissed a finding: one that is critical is told once more, and then no more.
alter table findings add column dismissals integer not null default 0;
