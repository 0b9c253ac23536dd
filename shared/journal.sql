-- name: hold_claim
-- Let nobody stop what begins here at the same time, and one function at a time decide whether the flow has had this
-- body; the next statements see what they decided.
select share_stops(%(tenant)s, %(place)s, %(run)s),
       case when %(digest)s <> ''
            then pg_advisory_xact_lock(hashtextextended(concat_ws(' ', %(tenant)s::text, %(flow)s::text, %(digest)s::text), 0))
       end;

-- name: record_event
-- Keep what happened; a second time changes nothing.
insert into events (tenant, id, type, conversation, actor, audience, body)
values (%(tenant)s, %(event)s, %(type)s, %(conversation)s, %(actor_name)s, %(audience)s, %(body)s::json)
on conflict do nothing;

-- name: claim_run
-- Keep what happened and take the lease: of a new run, of one that waits and is due, or was woken, or of one whose
-- holder died, which counts as a failure. A signed body is new to a flow that began no other run for it within ten
-- minutes, a message to one that did not act on it as the twin of this event; a run goes on. The number of a repository
-- stays with its name. A run whose event came before a stop is over as it begins.
with new as materialized (
  select where exists (select from runs where tenant = %(tenant)s and id = %(run)s)
    or ((%(digest)s = '' or not exists (
          select from runs where tenant = %(tenant)s and flow = %(flow)s and digest = %(digest)s
                             and started_at > now() - interval '10 minutes'))
        and (%(twin)s = '' or not exists (
          select from runs join effects on effects.tenant = runs.tenant and effects.run_id = runs.id
          where runs.tenant = %(tenant)s and runs.event_id = %(twin)s and runs.flow = %(flow)s)))
),
kept as (
  insert into events (tenant, id, type, conversation, actor, audience, body)
  select %(tenant)s, %(event)s, %(type)s, %(conversation)s, %(actor_name)s, %(audience)s, %(body)s::json from new
  on conflict do nothing
),
named as (
  insert into repository_names (tenant, place, number)
  select %(tenant)s, split_part(%(conversation)s, '#', 1), %(number)s where %(number)s > 0
  on conflict (tenant, place) do update set number = excluded.number where repository_names.number <> excluded.number
)
insert into runs (tenant, id, event_id, flow, digest, stoppable, state, stop, reason, lease_owner, lease_until, due_at, finished_at)
select %(tenant)s, %(run)s, %(event)s, %(flow)s, %(digest)s, %(stoppable)s, coalesce(s.state, 'running'),
       coalesce(s.event_id, ''), coalesce(s.reason, ''), case when s.state is null then %(owner)s end,
       case when s.state is null then now() + make_interval(secs => %(lease)s) end,
       case when s.state is null and %(queued)s then now() + make_interval(secs => %(lease)s) end,
       case when s.state is not null then now() end
from new
left join stop_of(
  %(tenant)s, %(run)s, %(event)s, %(flow)s, %(conversation)s, %(place)s, %(actor)s, %(received_at)s
) as s on %(stoppable)s
on conflict (tenant, id) do update
set state = 'running', reason = '', lease_owner = %(owner)s, lease_until = now() + make_interval(secs => %(lease)s),
    due_at = case when %(queued)s then now() + make_interval(secs => %(lease)s) end, swept_at = null,
    attempts = runs.attempts + 1, failures = runs.failures + (runs.state = 'running' and runs.lease_owner <> %(owner)s)::int
where runs.state in ('retrying', 'parked') and coalesce(runs.due_at <= now(), true)
   or (runs.state = 'running' and (runs.lease_until < now() or runs.lease_owner = %(owner)s));

-- name: read_run
-- Who holds the run now, for how many more seconds it is held or waits, what stopped it, if anything did, whether people
-- want the agent to be quiet where its event happened, and what they set for its channel, with the rules for its tone; the
-- versions of the policies by which its flow chooses, with the chances of those that this process does not know.
select r.state, r.attempts, r.failures, r.pauses, r.lease_owner,
       greatest(0, extract(epoch from greatest(r.lease_until, r.due_at) - now()))::float8 as held_for,
       case when r.stop <> '' then
         (select json_build_object('state', s.state, 'reason', s.reason) from stops as s
          where s.tenant = r.tenant and s.event_id = r.stop and s.flow in ('', r.flow) limit 1)
       end as stopped,
       exists (select from quiet_places as q
               where q.tenant = r.tenant and q.place in (%(conversation)s, %(place)s)) as quiet,
       (select json_object_agg(said.key, said.value) from (
          select c.key, json_build_array(c.value, c.changed_by, extract(epoch from c.changed_at)::float8) as value
          from channel_settings as c where c.tenant = r.tenant and c.place = %(place)s
          union all
          select 'rules', json_agg(json_build_array(f.id, f.words))
          from rules_in_force(r.tenant, %(place)s, 'tone', %(actor)s) as f having count(*) > 0) as said) as channel,
       (select json_object_agg(p.choice, json_build_array(
                 p.in_use, case when p.choice || ' ' || p.in_use <> all(%(policies)s::text[]) then v.chances end))
        from policies as p join policy_versions as v
          on (v.tenant, v.flow, v.choice, v.number) = (p.tenant, p.flow, p.choice, p.in_use)
        where p.tenant = r.tenant and p.flow = r.flow) as policies
from runs as r where r.tenant = %(tenant)s and r.id = %(run)s;

-- name: read_steps
-- What the run has recorded, without the large outputs: a map may have thousands of them.
select key, name, left_out, case when not left_out then output end as output, model, cost
from steps cross join lateral (select pg_column_size(output) > %(large)s as left_out) as size
where tenant = %(tenant)s and run_id = %(run)s;

-- name: read_output
-- One of the large outputs.
select output from steps where tenant = %(tenant)s and run_id = %(run)s and key = %(key)s;

-- name: read_effects
-- What the run has set out to do.
select key, slot, arguments, state, receipt, reason
from effects where tenant = %(tenant)s and run_id = %(run)s;

-- name: hold_lease
-- Abort the transaction unless this function still holds the run; also if it starts something in a run that was stopped.
select hold_lease(%(tenant)s, %(run)s, %(owner)s, %(starts)s) as stopped;

-- name: record_step
-- Keep one finished step.
insert into steps (tenant, run_id, key, name, input_hash, occurrence, attempt, input, output, model,
                   input_tokens, output_tokens, cached_tokens, cost, choice, started_at, duration_ms)
values (%(tenant)s, %(run)s, %(key)s, %(name)s, %(input_hash)s, %(occurrence)s, %(attempt)s, %(input)s, %(output)s,
        %(model)s, %(input_tokens)s, %(output_tokens)s, %(cached_tokens)s, %(cost)s, %(choice)s,
        to_timestamp(%(started_at)s), %(duration_ms)s)
on conflict do nothing;

-- name: finish_run
-- Give the lease back with the outcome; after a pause the run is due.
update runs
set state = %(state)s, reason = %(reason)s, gave_up = %(gave_up)s, lease_owner = null, lease_until = null,
    failures = failures + (%(state)s = 'retrying')::int,
    pauses = pauses + (%(state)s = 'parked' and %(pause)s::float8 is not null)::int,
    due_at = now() + make_interval(secs => %(pause)s), message = %(message)s::json,
    finished_at = case when %(state)s in ('retrying', 'parked') then null else now() end
where tenant = %(tenant)s and id = %(run)s and lease_owner = %(owner)s;

-- name: dispatch_effect
-- Commit the intent before the call.
insert into effects (tenant, key, run_id, flow, tool, target, slot, arguments, state, attempts, dispatched_at)
values (%(tenant)s, %(key)s, %(run)s, %(flow)s, %(tool)s, %(target)s, %(slot)s, %(arguments)s, 'dispatched', 1, now())
on conflict (tenant, key) do update
set state = 'dispatched', attempts = effects.attempts + 1, dispatched_at = now(), settled_at = null;

-- name: settle_effect
-- Record how the call ended.
update effects set state = %(state)s, receipt = %(receipt)s, reason = %(reason)s, settled_at = now()
where tenant = %(tenant)s and key = %(key)s;

-- name: previous_receipt
-- What the same flow made at the same target before, newest first; of what has a name, that of this name. Compared as
-- text, since Postgres reads no JSON that holds a NUL.
select receipt from effects
where tenant = %(tenant)s and flow = %(flow)s and tool = %(tool)s and target = %(target)s and state = 'committed'
  and key <> %(key)s and (%(named)s::text is null or strpos(arguments::text, %(named)s) > 0)
order by settled_at desc limit 1;

-- name: effects_at
-- What we did or set out to do at a target, or under a key, and may have done at that time or later. GitHub takes names
-- of repositories in any case, and tells of them in one.
select tool, key, arguments, receipt from effects
where tenant = %(tenant)s and (lower(target) = lower(%(target)s) or key = %(key)s)
  and (settled_at is null or settled_at >= to_timestamp(%(since)s));

-- name: expire_events
-- Delete what is older than so many days, of every tenant.
select expire_events(make_interval(days => %(days)s)) as events, expire_budgets(make_interval(days => %(days)s)),
       expire_output_sizes(make_interval(days => %(days)s)), expire_prompts(),
       expire_embeddings(make_interval(days => %(days)s)), expire_consolidations(make_interval(days => %(days)s)),
       expire_findings(make_interval(days => %(days)s));
