-- name: hold_stops
-- Let no run begin unseen while the stop is made.
select hold_stops(%(tenant)s, %(held)s);

-- name: keep_stop
-- Keep the stop, for what has not begun; the same stop a second time changes nothing.
insert into stops (tenant, event_id, flow, conversation, actor, run_id, state, reason, received_at)
values (%(tenant)s, %(stop)s, %(flow)s, %(conversation)s, %(actor)s, %(named)s, %(state)s, %(reason)s, %(at)s)
on conflict do nothing;

-- name: mark_runs
-- Mark the open runs that it is about. Nobody works at a parked one, so that ends now, and no batch carries its requests;
-- but for one that has to look up at its next attempt whether an effect happened. What waits is due now, and the message that
-- is hidden with it may come. A piece of a plan goes by the plan's name.
with open as materialized (
  select r.id, r.message, r.state in ('retrying', 'parked') as waits, r.state = 'parked' and not exists (
    select from effects as f where (f.tenant, f.run_id) = (r.tenant, r.id) and f.state in ('dispatched', 'unknown')) as ends
  from runs as r join events as e on (e.tenant, e.id) = (r.tenant, r.event_id)
  where r.tenant = %(tenant)s and r.state in ('running', 'retrying', 'parked') and r.stoppable and r.stop in ('', %(stop)s)
    and r.id <> %(run)s and %(flow)s in ('', r.flow)
    and (%(named)s in ('', r.id)
         or starts_with(e.id, (select event_id from plans where tenant = r.tenant and id = %(named)s) || '/'))
    and is_within(e.conversation, e.body, %(conversation)s, %(actor)s)
    and is_before(e.id, (e.body ->> 'received_at')::float8, %(stop)s, %(at)s, %(state)s)
),
unneeded as (
  update batch_requests as b set state = 'failed', reason = 'its run was stopped', settled_at = now()
  from open where b.tenant = %(tenant)s and b.run_id = open.id and b.state = 'queued'
),
marked as (
  update runs as r
  set stop = %(stop)s,
      state = case when open.ends then %(state)s else r.state end,
      reason = case when open.ends then %(reason)s else r.reason end,
      due_at = case when open.ends then null when r.state in ('retrying', 'parked') then now() else r.due_at end,
      finished_at = case when open.ends then now() end
  from open where r.tenant = %(tenant)s and r.id = open.id
  returning r.id, r.flow, r.event_id, case when open.waits then open.message end as message
)
select id, flow, message from marked where not exists (
  select from plans as p
  where p.tenant = %(tenant)s and p.state in ('planning', 'running', 'waiting')
    and starts_with(marked.event_id, p.event_id || '/'));
