-- What the runs of a plan took: their seconds, and whether the price of one of their model calls is unknown.

alter table plan_runs
  add column seconds double precision not null default 0,
  add column unpriced boolean not null default false;
