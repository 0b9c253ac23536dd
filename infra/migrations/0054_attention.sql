-- The attention of people: how many findings each pull request's author was notified of on a day. It is spent like money.

create table attention (
  tenant   text not null,
  person   text not null,
  day      date not null,
  run_id   text not null,
  findings integer not null,
  primary key (tenant, person, day, run_id)
);
grant select, insert, delete on attention to agent_flows;
alter table attention enable row level security;
alter table attention force row level security;
create policy tenant on attention using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on attention to agent_flows_definer using (true);

-- Spends as much of a person's day as is left: for the urgent all of it, for the others three quarters. Returns how many
-- findings a run may post; asked again it says the same.
create function spend_attention(
  of_tenant text, who text, on_day date, by_run text, urgent integer, others integer, budget integer
) returns integer language plpgsql as $$
declare
  spent integer;
  granted integer;
begin
  perform pg_advisory_xact_lock(hashtextextended(concat_ws(' ', 'attention', of_tenant, who, on_day), 0));
  select a.findings into granted from attention a
  where a.tenant = of_tenant and a.person = who and a.day = on_day and a.run_id = by_run;
  if found then
    return granted;
  end if;
  select coalesce(sum(a.findings), 0) into spent from attention a
  where a.tenant = of_tenant and a.person = who and a.day = on_day;
  urgent := greatest(0, least(urgent, budget - spent));
  others := greatest(0, least(others, budget * 3 / 4 - spent - urgent));
  delete from attention a where a.tenant = of_tenant and a.person = who and a.day < on_day - 30;
  insert into attention (tenant, person, day, run_id, findings) values (of_tenant, who, on_day, by_run, urgent + others);
  return urgent + others;
end $$;
