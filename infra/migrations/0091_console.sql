-- What the console asks for: who caused an event and who may see it, as columns; the newest runs of a tenant, of a flow,
-- of a conversation and of a person; the model calls of some days; and who is signed in.

-- step: columns
alter table events add column actor text, add column audience text;

-- step: fill, in batches
-- What holds a NUL no operator of JSON reads; nobody but an operator sees it then.
with batch as (
  select tenant, id from events
  where (tenant, id) > (split_part(coalesce(%(after)s, ''), chr(31), 1), split_part(coalesce(%(after)s, ''), chr(31), 2))
  order by tenant, id limit 500
),
filled as (
  update events as e
  set actor = case when strpos(e.body::text, chr(92) || 'u0000') = 0 then lower(e.body -> 'actor' ->> 1) end,
      audience = case when strpos(e.body::text, chr(92) || 'u0000') = 0 then e.body ->> 'audience' end
  from batch where (e.tenant, e.id) = (batch.tenant, batch.id) and e.audience is null
)
select (array_agg(tenant || chr(31) || id order by tenant desc, id desc))[1] from batch;

-- step: runs by start, concurrently
create index concurrently runs_by_tenant on runs (tenant, started_at desc, id desc);
-- step: runs by flow, concurrently
create index concurrently runs_by_flow on runs (tenant, flow, started_at desc, id desc);
-- step: runs not done, concurrently
create index concurrently runs_not_done on runs (tenant, started_at desc, id desc) where state <> 'done' or reason <> '';
-- step: events by conversation, concurrently
create index concurrently events_by_conversation on events (tenant, conversation, recorded_at desc);
-- step: events by actor, concurrently
create index concurrently events_by_actor on events (tenant, actor, recorded_at desc);
-- step: model calls, concurrently
create index concurrently steps_of_models on steps (tenant, started_at)
  include (run_id, model, cost, input_tokens, output_tokens, cached_tokens) where model <> '';
-- step: recalls, concurrently
create index concurrently steps_recalls on steps (tenant, run_id) where name = 'recall';

-- step: findings by time, concurrently
create index concurrently findings_by_time on findings (tenant, found_at desc, id);

-- step: sessions
-- Who is signed in to the console, for hours. `id` is the hash of what the browser holds.
create table console_sessions (
  tenant     text not null,
  id         text not null,
  account    text not null,
  login      text not null,
  role       text not null,
  audiences  text[] not null default '{}',
  expires_at timestamptz not null,
  primary key (tenant, id)
);
create index console_sessions_by_end on console_sessions (tenant, expires_at);
grant select, insert, delete on console_sessions to agent_flows;
alter table console_sessions enable row level security;
alter table console_sessions force row level security;
create policy tenant on console_sessions using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy all_tenants on console_sessions to agent_flows_definer using (true);
