-- The rounds of a review, what findings mean as vectors, and how long both are kept; and the attention of all whom one
-- review notifies.

-- What earlier reviews of a pull request found: [{"run", "head", "at", "posted", "held"} …], the oldest first.
alter table reviewed_commits add column rounds jsonb not null default '[]';

-- The vector of a claim, and the embedder that made it; a vector of another embedder is as good as none.
alter table findings add column embedder text not null default '', add column vector halfvec;

-- Deletes what reviews found and nobody dismissed, once it is so old. What was dismissed stays, until somebody forgets it.
create function expire_findings(older_than interval) returns bigint
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  delete from reviewed_commits where reviewed_at < now() - older_than;
  delete from attention where day < (now() - older_than)::date;
  with gone as (
    delete from findings
    where state not in ('dismissed', 'withdrawn') and coalesce(decided_at, found_at) < now() - older_than
    returning 1
  )
  select count(*) from gone
$$;
grant create on schema public to agent_flows_definer;
alter function expire_findings(interval) owner to agent_flows_definer;
revoke create on schema public from agent_flows_definer;
revoke execute on function expire_findings from public;
grant execute on function expire_findings to agent_flows_operator;
grant select, delete on findings, reviewed_commits, attention to agent_flows_definer;

-- Spends the attention of several people, whom one review notifies: as much as is left to the one with the least.
create function spend_attention_of_all(
  of_tenant text, people text[], on_day date, by_run text, urgent integer, others integer, budget integer
) returns integer language plpgsql as $$
declare
  spent integer;
  granted integer;
begin
  perform pg_advisory_xact_lock(hashtextextended(concat_ws(' ', 'attention', of_tenant, who, on_day), 0))
  from (select who from unnest(people) as who order by who) as each;
  select min(a.findings) into granted from attention a
  where a.tenant = of_tenant and a.person = any (people) and a.day = on_day and a.run_id = by_run;
  if granted is not null then
    return granted;
  end if;
  select coalesce(max(total), 0) into spent from (
    select sum(a.findings) as total from attention a
    where a.tenant = of_tenant and a.person = any (people) and a.day = on_day group by a.person) as each;
  urgent := greatest(0, least(urgent, budget - spent));
  others := greatest(0, least(others, budget * 3 / 4 - spent - urgent));
  insert into attention (tenant, person, day, run_id, findings)
  select of_tenant, who, on_day, by_run, urgent + others from unnest(people) as who;
  return urgent + others;
end $$;
