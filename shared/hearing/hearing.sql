-- name: begun
-- Which of these runs there are already: what they hear is not taken from them.
select id from runs where tenant = %(tenant)s and id = any (%(runs)s);

-- name: take
-- End the run of a message as it begins, because this run answers it.
insert into taken_runs (tenant, run_id, event_id, flow, reason)
select %(tenant)s, id, %(event)s, %(flow)s, %(reason)s from unnest(%(runs)s::text[]) as id
on conflict do nothing;

-- name: answered
-- The newest answer in a thread, and what it answers. A message that was taken together with others was answered in the
-- thread of the first of them.
with root as (
  select coalesce(
    (select concat_ws('/', e.body -> 'thread_target' ->> 0, e.body -> 'thread_target' ->> 1, e.body -> 'thread_target' ->> 2)
     from runs as r join events as e on e.tenant = r.tenant and e.id = r.stop
     where r.tenant = %(tenant)s and r.id = any (%(runs)s) and r.state = 'superseded' limit 1),
    %(thread)s) as target
)
select s.output as heard, f.receipt
from root
join effects as f on f.tenant = %(tenant)s and f.flow = %(flow)s and f.tool in ('Reply', 'Correct')
                 and f.target = root.target and f.state = 'committed'
join steps as s on s.tenant = f.tenant and s.run_id = f.run_id and s.name = 'hear'
order by f.settled_at desc limit 1;
