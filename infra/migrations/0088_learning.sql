-- Of which file somebody said what became a rule: only where several people said so of other files does it reach further.
-- And the plan of a run, by which what it chose is learnt from what came of the plan.

-- step: column
alter table rule_evidence add column path text not null default '';
-- step: index, concurrently
create index concurrently plan_runs_by_run on plan_runs (tenant, run_id);
