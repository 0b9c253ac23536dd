-- Messages in a row that one run answers: the runs of the later ones are over as they begin. It is kept by the run that is
-- taken, because a run may take several, and a stop is one for each event. (Slack's messages in a row; see shared/hearing.)

create table taken_runs (
  tenant    text not null,
  run_id    text not null,
  event_id  text not null,
  flow      text not null,
  reason    text not null,
  primary key (tenant, run_id),
  foreign key (tenant, event_id) references events on delete cascade
);
create index taken_runs_by_event on taken_runs (tenant, event_id);
grant select, insert on taken_runs to agent_flows;
alter table taken_runs enable row level security;
alter table taken_runs force row level security;
create policy tenant on taken_runs using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on taken_runs to agent_flows_definer using (true);

-- The first stop after an event was received, if there is one; what took its run counts as the last.
create or replace function stop_of(
  of_tenant text, of_run text, of_event text, of_flow text, of_conversation text, place text, of_actor text,
  since double precision
) returns setof stops language sql stable as $$
  select s.* from stops as s
  where s.tenant = of_tenant and s.flow in ('', of_flow)
    and is_before(of_event, since, s.event_id, s.received_at, s.state)
    and s.conversation in (of_conversation, place, '')
    and case when s.run_id <> '' then s.run_id = of_run
             when s.actor <> '' then s.actor = of_actor
             else s.conversation = of_conversation end
  union all
  select t.tenant, t.event_id, t.flow, '', '', t.run_id, 'superseded', t.reason, 'infinity'
  from taken_runs as t where t.tenant = of_tenant and t.run_id = of_run
  order by received_at limit 1
$$;
