-- name: forget
-- Delete what matches, whatever holds it, once per audit row. What people said goes with the answers to it. Runs that
-- have ended keep that they were, not what they were about: those of the events, and those that recalled a memory.
-- Ids are compared as arrays: an index finds those, however many the planner takes them for. Where texts have to be
-- read, strpos() passes over nearly all of them before a pattern is tried.
with asked as materialized (
  select where not exists (select from memory_audit where tenant = %(tenant)s and id = %(audit)s)
),
matching as materialized (
  select m.id, m.digest, m.event_id, m.source,
         %(everywhere)s
         or (m.author = any (%(own)s::text[]) and starts_with(m.source, %(platform)s)
             and (%(by)s = 'author' or m.audience = any (%(audiences)s::text[])))
         or (not %(own_only)s and m.audience = any (%(audiences)s::text[]) and lies_in(m.source, %(grounds)s)) as hit
  from memories as m, asked
  where m.tenant = %(tenant)s and memory_matches(m, %(by)s, %(names)s::text[], %(patterns)s::text[])
    and (%(everywhere)s or m.audience = any (%(audiences)s::text[])
         or (%(by)s = 'author' and m.author = any (%(own)s::text[])))
),
hits as materialized (select id, digest, event_id, source from matching where hit),
said as materialized (
  select conversation, event_id from turns
  where tenant = %(tenant)s and event_id = any (array(select event_id from hits where event_id <> ''))
  union
  select t.conversation, t.event_id from turns as t, asked
  where t.tenant = %(tenant)s
    and case %(by)s
          when 'text' then cardinality(%(patterns)s::text[]) > 0
                           and strpos(lower(t.text), (%(names)s::text[])[1]) > 0
                           and lower(t.text) ~ all (%(patterns)s::text[])
          when 'author' then t.role = 'user' and t.author = any (%(names)s::text[])
          when 'source' then lies_in(t.conversation, (%(names)s::text[])[1])
          when 'ref' then t.conversation = 'github:' || (%(names)s::text[])[1]
          else false end
    and (%(everywhere)s
         or (t.author = any (%(own)s::text[]) and starts_with(t.conversation, %(platform)s)
             and (%(by)s = 'author' or lies_in(t.conversation, %(place)s)))
         or (not %(own_only)s and lies_in(t.conversation, %(place)s)))
),
happened as materialized (
  select id from events
  where tenant = %(tenant)s and id = any (array(select event_id from hits union select event_id from said))
  union
  select e.id from events as e, asked
  where e.tenant = %(tenant)s
    and (%(everywhere)s or starts_with(e.conversation, %(platform)s))
    and (%(everywhere)s or (%(own_only)s and %(by)s = 'author') or lies_in(e.conversation, %(place)s))
    and (not %(own_only)s or event_actor(e.body) && %(own)s::text[])
    and case %(by)s
          when 'text' then cardinality(%(patterns)s::text[]) > 0
                           and strpos(lower(e.body::text), (%(names)s::text[])[1]) > 0
                           and lower(event_text(e.body)) ~ all (%(patterns)s::text[])
          when 'author' then exists (
              select from unnest(%(names)s::text[]) as name where strpos(e.body::text, '"' || name || '"') > 0)
            and event_actor(e.body) && %(names)s::text[]
          when 'source' then lies_in(e.conversation, (%(names)s::text[])[1])
          when 'ref' then e.conversation = 'github:' || (%(names)s::text[])[1]
          else false end
),
recalling as materialized (
  select distinct s.run_id
  from steps as s, asked, string_to_table(s.output::text, '"id":"') as named
  where s.tenant = %(tenant)s and s.name in ('recall', 'know', 'why') and exists (select from hits)
    and left(named, 36) in (select id::text from hits)
),
ended as materialized (
  select id from runs
  where tenant = %(tenant)s and state in ('done', 'failed') and event_id = any (array(select id from happened))
  union
  select id from runs
  where tenant = %(tenant)s and state in ('done', 'failed') and id = any (array(select run_id from recalling))
),
gone_memories as (
  delete from memories where tenant = %(tenant)s and id = any (array(select id from hits)) returning 1
),
gone_turns as (
  delete from turns
  where tenant = %(tenant)s and event_id = any (array(select event_id from said))
    and (conversation, event_id) in (select conversation, event_id from said)
  returning 1
),
blank_steps as (
  update steps set input = '{"forgotten":true}', output = '{"forgotten":true}'
  where tenant = %(tenant)s and run_id = any (array(select id from ended))
    and output::text <> '{"forgotten":true}' returning 1
),
blank_effects as (
  update effects set arguments = '{"forgotten":true}'
  where tenant = %(tenant)s and run_id = any (array(select id from ended))
    and arguments::text <> '{"forgotten":true}' returning 1
),
blank_events as (
  update events set body = '{"forgotten":true}'
  where tenant = %(tenant)s and id = any (array(select id from happened)) and body::text <> '{"forgotten":true}'
    and not exists (
      select from runs where runs.tenant = %(tenant)s and runs.event_id = events.id and state not in ('done', 'failed'))
  returning 1
),
gone_plans as (
  delete from plans where tenant = %(tenant)s and event_id in (select id from happened)
    and state in ('done', 'failed', 'cancelled') returning 1
),
gone_files as (
  delete from memory_files as f using asked
  where f.tenant = %(tenant)s and %(by)s = 'source' and (%(everywhere)s or not %(own_only)s)
    and lies_in(f.source, (%(names)s::text[])[1])
  returning 1
),
gone_sources as (
  delete from memory_sources as s using asked
  where s.tenant = %(tenant)s and %(by)s = 'source' and (%(everywhere)s or not %(own_only)s)
    and lies_in(s.source, (%(names)s::text[])[1])
  returning 1
),
gone_requests as (
  delete from batch_requests where tenant = %(tenant)s and run_id in (select id from ended) returning 1
),
blocked as (
  insert into memory_blocks (tenant, by, value, grounds, audiences, reason)
  select %(tenant)s, block.*, 'forget' from (
    -- What goes by its text, or is somebody's own and lies elsewhere: the text alone.
    select 'digest', digest, '', '{}'::text[] from hits
    where %(by)s in ('text', 'id')
       or (%(by)s in ('ref', 'source') and not %(everywhere)s and (%(own_only)s or not lies_in(source, %(grounds)s)))
    union
    select %(by)s, name,
           case when %(everywhere)s then '' when %(own_only)s then rtrim(%(platform)s, ':') else %(grounds)s end,
           case when %(everywhere)s or %(own_only)s then '{}' else %(audiences)s::text[] end
    from unnest(%(names)s::text[]) as name, asked
    where case
      when %(everywhere)s then %(by)s in ('ref', 'author', 'source')
      when %(own_only)s then %(by)s = 'author' and name = any (%(own)s::text[])
      else %(by)s in ('ref', 'author', 'source') and %(grounds)s <> '' and %(audiences)s::text[] <> '{}' end
  ) as block (by, value, grounds, audiences)
  where %(blocks)s and block.value <> ''
  on conflict do nothing returning 1
)
insert into memory_audit (tenant, id, actor, action, event_id, counts)
select %(tenant)s, %(audit)s, %(actor)s, 'forget ' || %(by)s, %(event)s, json_build_object(
  'memories', (select count(*) from gone_memories),
  'memory_vectors', (select count(*) from memory_vectors
                     where tenant = %(tenant)s and memory in (select id from hits)),
  'turns', (select count(*) from gone_turns),
  'events', (select count(*) from blank_events),
  'steps', (select count(*) from blank_steps),
  'effects', (select count(*) from blank_effects),
  'plans', (select count(*) from gone_plans),
  'memory_files', (select count(*) from gone_files) + (select count(*) from gone_sources),
  'batch_requests', (select count(*) from gone_requests),
  'prompt_cache', (select count(*) from prompt_cache where tenant = %(tenant)s and reply is not null),
  'memory_blocks', (select count(*) from blocked),
  'elsewhere', (select count(*) from matching where not hit))
from asked
on conflict do nothing;

-- name: lock_prompt_cache
-- Whoever changes what a tenant keeps in the prompt cache locks its totals first.
select from prompt_cache_totals where tenant = %(tenant)s for update;

-- name: forget_prompts
-- Replies of models may quote what was forgotten, and their keys do not say what was asked: all of them go.
with gone as (
  delete from prompt_cache where tenant = %(tenant)s and reply is not null and exists (
    select from memory_audit where tenant = %(tenant)s and id = %(audit)s
      and (counts ->> 'memories')::int + (counts ->> 'turns')::int + (counts ->> 'events')::int > 0)
  returning bytes, hits, cost, tokens
)
update prompt_cache_totals as t
set bytes = t.bytes - sums.bytes, hits = t.hits + sums.hits, saved = t.saved + sums.saved,
    saved_tokens = t.saved_tokens + sums.saved_tokens
from (select coalesce(sum(bytes), 0) as bytes, coalesce(sum(hits), 0) as hits, coalesce(sum(hits * cost), 0) as saved,
             coalesce(sum(hits * tokens), 0) as saved_tokens from gone) as sums
where t.tenant = %(tenant)s;

-- name: counts
-- What a request has done.
select counts from memory_audit where tenant = %(tenant)s and id = %(audit)s;

-- name: record
-- Keep who read or changed what, in counts.
insert into memory_audit (tenant, id, actor, action, event_id, counts)
values (%(tenant)s, %(audit)s, %(actor)s, %(action)s, %(event)s, %(counts)s)
on conflict do nothing;

-- name: know
-- What holds now about something, newest first, and how much there is in all.
select m.id::text, m.kind, m.ref, m.text, m.url, m.author, m.source, m.trust, m.event_id as event, m.remembered_at,
       count(*) over () as total
from memories as m
where m.tenant = %(tenant)s and m.valid_until is null
  and (%(everywhere)s or m.audience = any (%(audiences)s::text[]))
  and memory_matches(m, %(by)s, %(names)s::text[], %(patterns)s::text[])
order by m.remembered_at desc, m.id
limit %(limit)s;

-- name: memories
-- These memories, as far as the audiences may see them, also those that were superseded.
select m.id::text, m.kind, m.ref, m.text, m.url, m.author, m.source, m.trust, m.event_id as event, m.remembered_at,
       count(*) over () as total
from memories as m
where m.tenant = %(tenant)s and m.id::text = any (%(ids)s::text[])
  and (%(everywhere)s or m.audience = any (%(audiences)s::text[]))
order by m.remembered_at desc, m.id;

-- name: users
-- The newest runs that recalled a memory.
select r.id, r.flow, r.started_at
from steps as s join runs as r on (r.tenant, r.id) = (s.tenant, s.run_id)
where s.tenant = %(tenant)s and s.name = 'recall' and position(%(id)s in s.output::text) > 0
order by r.started_at desc limit 5;

-- name: last_answer
-- The memories that the newest run of a conversation recalled, but for this run.
select r.id, r.flow, array(
  select ids[1] from steps as s, regexp_matches(s.output::text, '"id":"([0-9a-f-]{36})"', 'g') as named (ids)
  where (s.tenant, s.run_id) = (r.tenant, r.id) and s.name = 'recall') as memories
from runs as r join events as e on (e.tenant, e.id) = (r.tenant, r.event_id)
where r.tenant = %(tenant)s and r.id <> %(run)s and r.state = 'done' and lies_in(e.conversation, %(conversation)s)
  and exists (select from steps as s where (s.tenant, s.run_id) = (r.tenant, r.id) and s.name = 'recall')
order by r.started_at desc limit 1;

-- name: export
-- One page of memories, in the order of their ids, with their history.
select m.id::text, m.kind, m.ref, m.text, m.url, m.audience, m.author, m.source, m.trust, m.flow,
       m.event_id as event, m.remembered_at::text, m.valid_from::text, m.valid_until::text,
       m.superseded_by::text, m.uses
from memories as m
where m.tenant = %(tenant)s and m.id > %(after)s::uuid
  and (%(everywhere)s or m.audience = any (%(audiences)s::text[]))
order by m.id limit %(limit)s;

-- name: count
-- How many memories an export would hold.
select count(*) as memories from memories
where tenant = %(tenant)s and (%(everywhere)s or audience = any (%(audiences)s::text[]));

-- name: blocks
-- What is not to be remembered.
select by, value, grounds, audiences, blocked_at from memory_blocks where tenant = %(tenant)s order by blocked_at, by, value;

-- name: closed
-- Whether nothing is to be remembered of a place.
select is_blocked(%(tenant)s, '', '', '', %(source)s, %(audience)s) as closed;

-- name: allow
-- Let something be remembered again.
delete from memory_blocks where tenant = %(tenant)s and by = %(by)s and value = any (%(names)s::text[]) returning value;

-- name: audit
-- Who read or changed what, newest first.
select at, actor, action, event_id as event, counts from memory_audit
where tenant = %(tenant)s order by at desc limit %(limit)s;

-- name: tighten
-- What was public when it was remembered is for the repository alone, now that it is private.
with narrowed as (
  update memories set audience = %(audience)s
  where tenant = %(tenant)s and audience = 'public' and lies_in(source, %(source)s) returning 1
)
insert into memory_audit (tenant, id, actor, action, event_id, counts)
select %(tenant)s, %(audit)s, %(actor)s, 'tighten', %(event)s,
       json_build_object('memories', (select count(*) from narrowed))
on conflict do nothing;

-- name: expire
-- Delete what is older than its kind is kept, of every tenant.
select expire_memories(%(kept)s::json) as memories;
