-- name: forget
-- Delete the memories that match, and all that holds what they say, once per audit row. What people said goes with the
-- answers to it. Runs that have ended stay, but not their contents: the runs of those events, and those that recalled one
-- of the memories. Ids are compared as arrays, for which the planner always takes an index. For texts, strpos() rules out
-- nearly all before a pattern is tried.
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
                           and strpos(lower(t.text || t.attached::text), (%(names)s::text[])[1]) > 0
                           and lower(t.text || t.attached::text) ~ all (%(patterns)s::text[])
          when 'author' then t.role = 'user' and t.author = any (%(names)s::text[])
          when 'source' then lies_in(t.conversation, (%(names)s::text[])[1])
          when 'ref' then t.conversation = 'github:' || (%(names)s::text[])[1]
          when 'told' then lies_in(t.conversation, 'github:' || nullif((%(names)s::text[])[2], ''))
                           or (lies_in(t.source, (%(names)s::text[])[1]) and t.url = nullif((%(names)s::text[])[3], ''))
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
          when 'told' then lies_in(e.conversation, 'github:' || nullif((%(names)s::text[])[2], ''))
                           or (lies_in(e.conversation, (%(names)s::text[])[1])
                               and strpos(e.body::text, '"url":"' || nullif((%(names)s::text[])[3], '') || '"') > 0)
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
  where tenant = %(tenant)s and state in ('done', 'failed', 'cancelled', 'superseded')
    and event_id = any (array(select id from happened))
  union
  select id from runs
  where tenant = %(tenant)s and state in ('done', 'failed', 'cancelled', 'superseded')
    and id = any (array(select run_id from recalling))
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
  update events set body = '{"forgotten":true}', actor = null
  where tenant = %(tenant)s and id = any (array(select id from happened)) and body::text <> '{"forgotten":true}'
    and not exists (
      select from runs where runs.tenant = %(tenant)s and runs.event_id = events.id
                         and state not in ('done', 'failed', 'cancelled', 'superseded'))
  returning 1
),
gone_plans as (
  delete from plans where tenant = %(tenant)s and event_id in (select id from happened)
    and state in ('done', 'failed', 'cancelled') returning 1
),
gone_proposals as (
  delete from proposals where tenant = %(tenant)s and event_id in (select id from happened) returning 1
),
gone_reminders as (
  -- A timer of what is gone comes for nothing: it says only which one it is.
  delete from reminders as r using asked
  where r.tenant = %(tenant)s and (%(everywhere)s or not %(own_only)s or r.asker = any (%(own)s::text[]))
    and case %(by)s when 'author' then r.asker = any (%(names)s::text[]) or r.whom = any (%(names)s::text[])
                    when 'source' then lies_in(r.conversation, (%(names)s::text[])[1])
                    when 'text' then cardinality(%(patterns)s::text[]) > 0
                                     and strpos(lower(r.text), (%(names)s::text[])[1]) > 0
                                     and lower(r.text) ~ all (%(patterns)s::text[])
                                     and (%(everywhere)s or r.asker = any (%(own)s::text[])
                                          or lies_in(r.conversation, %(place)s)) end
  returning 1
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
gone_findings as (
  delete from findings as f using asked
  where f.tenant = %(tenant)s
    and (%(everywhere)s or lies_in('github:' || f.repository, %(grounds)s)
         or (%(by)s = 'finding' and lower(f.repository) = lower(%(workplace)s)))
    and (%(everywhere)s or not %(own_only)s or (%(by)s = 'finding' and f.decided_by = any (%(own)s::text[])))
    and case %(by)s when 'source' then lies_in('github:' || f.repository, (%(names)s::text[])[1])
                    when 'ref' then lies_in(f.repository || '#' || f.number, (%(names)s::text[])[1])
                    when 'finding' then f.id = (%(names)s::text[])[1] and f.state in ('dismissed', 'withdrawn') end
  returning 1
),
gone_reviews as (
  delete from reviewed_commits as r using asked
  where r.tenant = %(tenant)s and (%(everywhere)s or not %(own_only)s)
    and (%(everywhere)s or lies_in('github:' || r.repository, %(grounds)s))
    and case %(by)s when 'source' then lies_in('github:' || r.repository, (%(names)s::text[])[1])
                    when 'ref' then lies_in(r.repository || '#' || r.number, (%(names)s::text[])[1]) end
  returning 1
),
gone_quiet as (
  delete from quiet_places as q using asked
  -- Whoever has a place forgotten from within does not end a pause there; that goes when the place itself is gone.
  where q.tenant = %(tenant)s and %(by)s = 'source' and %(everywhere)s and lies_in(q.place, (%(names)s::text[])[1])
  returning 1
),
gone_drafts as (
  delete from answer_drafts as d using asked
  where d.tenant = %(tenant)s
    and (d.run_id = any (array(select id from ended))
         or (%(by)s = 'author' and d.person = any (%(names)s::text[])))
  returning 1
),
gone_channels as (
  delete from channel_settings as c using asked
  where c.tenant = %(tenant)s and %(by)s = 'source' and %(everywhere)s and lies_in(c.place, (%(names)s::text[])[1])
  returning 1
),
nobody_set as (
  update channel_settings as c set changed_by = '' from asked
  where c.tenant = %(tenant)s and %(by)s = 'author' and c.changed_by = any (%(names)s::text[]) returning 1
),
nobody_decided as (
  update findings as f set decided_by = '' from asked
  where f.tenant = %(tenant)s and %(by)s = 'author' and f.decided_by = any (%(names)s::text[]) returning 1
),
gone_attention as (
  delete from attention as a using asked
  where a.tenant = %(tenant)s and %(by)s = 'author' and a.person = any (%(names)s::text[]) returning 1
),
gone_sessions as (
  delete from console_sessions as s using asked
  where s.tenant = %(tenant)s and %(by)s = 'author' and lower(s.login) = any (%(names)s::text[]) returning 1
),
gone_feedback as (
  delete from feedback as f using asked
  where f.tenant = %(tenant)s and (%(everywhere)s or not %(own_only)s or f.actor = any (%(own)s::text[]))
    and case %(by)s when 'author' then f.actor = any (%(names)s::text[])
                    when 'text' then f.reason <> '' and cardinality(%(patterns)s::text[]) > 0
                                     and lower(f.reason) ~ all (%(patterns)s::text[]) end
  returning 1
),
gone_signals as (
  delete from signals as s using asked
  where s.tenant = %(tenant)s
    and case %(by)s
          when 'author' then s.actor = any (%(names)s::text[])
                             and (%(everywhere)s or not %(own_only)s or s.actor = any (%(own)s::text[]))
          when 'text' then s.words <> '' and cardinality(%(patterns)s::text[]) > 0
                           and (%(everywhere)s or not %(own_only)s or s.actor = any (%(own)s::text[]))
                           and lower(s.words) ~ all (%(patterns)s::text[])
          when 'source' then (%(everywhere)s or not %(own_only)s and lies_in('github:' || s.repository, %(grounds)s))
                             and lies_in('github:' || s.repository, (%(names)s::text[])[1]) end
  returning 1
),
gone_evidence as (
  delete from rule_evidence as e using asked
  where e.tenant = %(tenant)s and (%(everywhere)s or not %(own_only)s or e.actor = any (%(own)s::text[]))
    and case %(by)s when 'author' then e.actor = any (%(names)s::text[])
                    when 'text' then e.words <> '' and cardinality(%(patterns)s::text[]) > 0
                                     and lower(e.words) ~ all (%(patterns)s::text[]) end
  returning 1
),
gone_rules as (
  -- What one person alone had said goes with them, and what was learnt in a place with the place.
  delete from rules as r using asked
  where r.tenant = %(tenant)s
    and case %(by)s
          when 'author' then (%(everywhere)s or not %(own_only)s or %(names)s::text[] <@ %(own)s::text[])
                             and (r.person = any (%(names)s::text[])
                                  or exists (select from rule_evidence as e where (e.tenant, e.rule) = (r.tenant, r.id))
                                     and not exists (select from rule_evidence as e where (e.tenant, e.rule) = (r.tenant, r.id)
                                                       and e.actor <> all (%(names)s::text[])))
          when 'text' then cardinality(%(patterns)s::text[]) > 0
                           and (%(everywhere)s or not %(own_only)s and lies_in(r.place, %(grounds)s))
                           and lower(r.words) ~ all (%(patterns)s::text[])
          when 'source' then (%(everywhere)s or not %(own_only)s and lies_in(r.place, %(grounds)s))
                             and lies_in(r.place, (%(names)s::text[])[1]) end
  returning r.id
),
nobody_ruled as (
  -- What is left of them: a rule in their words, which others said too, gets the words of who of these said so first.
  update rules as r
  set decided_by = case when r.decided_by = any (%(names)s::text[]) then '' else r.decided_by end,
      words = case when t.is_theirs then coalesce(t.others, r.words) else r.words end
  from asked, (
    select one.id,
           bool_or(e.actor = any (%(names)s::text[]) and e.words = one.words
                   and (%(everywhere)s or not %(own_only)s or e.actor = any (%(own)s::text[]))) as is_theirs,
           (array_agg(e.words order by e.at, e.key) filter (where e.actor <> all (%(names)s::text[])))[1] as others
    from rules as one left join rule_evidence as e on (e.tenant, e.rule) = (one.tenant, one.id)
    where one.tenant = %(tenant)s and %(by)s = 'author' group by one.id, one.words) as t
  where r.tenant = %(tenant)s and r.id = t.id and r.id not in (select id from gone_rules)
    and (r.decided_by = any (%(names)s::text[]) or t.is_theirs)
  returning 1
),
gone_requests as (
  delete from batch_requests where tenant = %(tenant)s and run_id in (select id from ended) returning 1
),
blocked as (
  insert into memory_blocks (tenant, by, value, grounds, audiences, reason)
  select %(tenant)s, block.*, 'forget' from (
    -- Memories found by text, and somebody's own elsewhere, are blocked by their text alone.
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
  'reminders', (select count(*) from gone_reminders),
  'memory_files', (select count(*) from gone_files) + (select count(*) from gone_sources),
  'findings', (select count(*) from gone_findings),
  'batch_requests', (select count(*) from gone_requests),
  'prompt_cache', (select count(*) from prompt_cache where tenant = %(tenant)s and reply is not null),
  'memory_blocks', (select count(*) from blocked),
  'elsewhere', (select count(*) from matching where not hit))
from asked
on conflict do nothing;

-- name: lock_prompt_cache
-- Lock a tenant's totals before its prompt cache changes.
select from prompt_cache_totals where tenant = %(tenant)s for update;

-- name: forget_prompts
-- Delete all cached replies of models: they may quote what was forgotten, and their keys do not tell.
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

-- name: blocks
-- Read the blocks, which keep things from being remembered.
select by, value, grounds, audiences, blocked_at from memory_blocks where tenant = %(tenant)s order by blocked_at, by, value;

-- name: closed
-- Tell if a place or a text is blocked, or one of the authors, unless by themselves.
select is_blocked(%(tenant)s, %(digest)s, '', '', %(source)s, %(audience)s)
       or exists (
         select from memory_blocks
         where tenant = %(tenant)s and by = 'author' and value = any (%(authors)s::text[]) and grounds <> %(platform)s
           and (grounds = '' or lies_in(%(source)s, grounds))
           and (audiences = '{}' or %(audience)s = any (audiences))) as closed;

-- name: allow
-- Delete blocks, so that something may be remembered again.
delete from memory_blocks where tenant = %(tenant)s and by = %(by)s and value = any (%(names)s::text[]) returning value;

-- name: allow_self
-- Delete the blocks that people made for what they say themselves.
delete from memory_blocks
where tenant = %(tenant)s and by = 'author' and value = any (%(names)s::text[]) and grounds = %(platform)s;
