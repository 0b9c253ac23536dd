-- name: runs
-- The newest runs, as the page shows them.
select r.id, r.flow, e.type as event, r.state, r.attempts::text,
       coalesce((select sum(cost) from steps s where s.tenant = r.tenant and s.run_id = r.id), 0)::float8 as cost,
       extract(epoch from r.finished_at - r.started_at)::float8 as took
from runs r join events e on e.tenant = r.tenant and e.id = r.event_id
order by r.started_at desc limit 20;
