-- Nothing polls: whoever leaves work sets the clock. What looks after it asks here when to look again.

-- How long to leave something alone that has waited since then: a tenth of that, within bounds.
create function pause_after(since timestamptz, least_pause interval, longest interval) returns interval
language sql stable as $$
  select greatest(least_pause, least(longest, (now() - since) / 10))
$$;

-- The seconds until a run stands still that its queue does not bring, if one waits or works beside the run that asks.
create function next_sweep(grace interval, asks text) returns double precision
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select extract(epoch from min(greatest(r.due_at + grace, r.swept_at + interval '1 hour')) - now())
  from runs r where r.due_at is not null and r.id <> asks
$$;

-- The seconds until something of the batches is worth a look; none when nothing waits.
create function next_batch_look(margin interval) returns double precision
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  with looks as (
    -- What waits for a batch, or for too few others; what rests is due with its deadline alone.
    select least(greatest(r.due_at, now() + pause_after(r.wanted_at, interval '5 minutes', interval '1 hour')),
                 r.deadline - margin) as at
    from batch_requests r where r.state = 'queued'
    union all
    select least(now() + pause_after(b.named_at, interval '5 minutes', interval '1 hour'),
                 (select min(r.deadline) - margin from batch_requests r where r.batch = b.name and r.state = 'submitted'))
    from batches b where b.state <> 'settled'
    union all
    -- Who was woken and rests on is woken again after an hour.
    select coalesce(max(r.woken_at) + interval '1 hour', now())
    from runs join batch_requests r on (r.tenant, r.run_id) = (runs.tenant, runs.id)
    where runs.state = 'parked' and runs.due_at is null
    group by runs.tenant, runs.id having bool_and(r.state in ('done', 'failed')))
  select extract(epoch from min(looks.at) - now()) from looks
$$;

-- Each night the tenants' memories are gone through, also when the last pass ended a minute later than tonight's begins.
create or replace function pending_consolidation() returns setof text
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  with recursive tenants as (
    (select tenant from memories order by tenant limit 1)
    union all
    select (select m.tenant from memories m where m.tenant > t.tenant order by m.tenant limit 1)
    from tenants t where t.tenant is not null)
  select t.tenant from tenants t left join consolidation_progress p using (tenant)
  where t.tenant is not null
    and (p.tenant is null or p.finished_at is null or p.finished_at < now() - interval '20 hours')
$$;

grant create on schema public to agent_flows_definer;
do $$
declare
  one regprocedure;
begin
  foreach one in array array['next_sweep(interval, text)', 'next_batch_look(interval)']::regprocedure[] loop
    execute format('revoke execute on function %s from public, agent_flows', one);
    execute format('grant execute on function %s to agent_flows_operator', one);
    execute format('alter function %s owner to agent_flows_definer', one);
  end loop;
end $$;
revoke create on schema public from agent_flows_definer;
