-- name: left
-- The runs that no queue has delivered for so many seconds after they were due, with their events.
select tenant, run_id, attempts, event from runs_left(make_interval(secs => %(grace)s), %(most)s);

-- name: close
-- End the runs that nothing has taken up although they were sent so often.
select tenant, run_id, flow from close_lost_runs(%(times)s);

-- name: close_plans
-- End the plans that nothing has gone on with for so many seconds, and the runs that a plan did not wait for.
select close_dead_plans(make_interval(secs => %(patience)s)) as plans, close_runs_of_ended_plans() as runs;

-- name: next
-- The seconds until another run that waits or works would stand still; none when there is none.
select next_sweep(make_interval(secs => %(grace)s), %(asks)s) as seconds;
