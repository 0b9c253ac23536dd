-- name: names
-- Read the places under which a repository of this number is known.
select place from repository_names where tenant = %(tenant)s and number = %(number)s;

-- name: note
-- Note what became of a place or a text, for what is kept of it later; and forget notes that nothing needs any more.
with old as (
  delete from place_changes where tenant = %(tenant)s and noted_at < now() - interval '40 days' and place <> lower(%(place)s)
)
insert into place_changes (tenant, place, became, audience, at)
values (%(tenant)s, lower(%(place)s), %(became)s, %(audience)s, %(at)s)
on conflict (tenant, place) do update
set became = excluded.became, audience = excluded.audience, at = excluded.at, noted_at = now();

-- name: unnumbered
-- Read the repositories of an owner that are remembered, but whose number nobody knows.
select distinct source as place from memories as m
where tenant = %(tenant)s and lies_in(source, %(owner)s) and strpos(source, '/') > 0 and not exists (
  select from repository_names as n where n.tenant = %(tenant)s and lower(n.place) = lower(m.source));

-- name: name
-- Keep the number of a repository with a name that it had.
insert into repository_names (tenant, place, number) select %(tenant)s, %(place)s, %(number)s where %(number)s > 0
on conflict (tenant, place) do update set number = excluded.number;

-- name: tighten
-- Show what was public in a place, or was read by its workspace, to the readers of the place alone: it is private now.
with narrowed as (
  update memories set audience = %(audience)s
  where tenant = %(tenant)s and is_wider(audience, %(place)s) and lies_in(source, %(place)s) returning 1
),
turned as (
  update turns set audience = %(audience)s
  where tenant = %(tenant)s and is_wider(audience, %(place)s) and lies_in(source, %(place)s) returning 1
),
taken as (
  update memory_sources set audience = %(audience)s
  where tenant = %(tenant)s and is_wider(audience, %(place)s) and lies_in(source, %(place)s)
)
insert into memory_audit (tenant, id, actor, action, event_id, counts)
select %(tenant)s, %(audit)s, %(actor)s, 'tighten', %(event)s,
       json_build_object('memories', (select count(*) from narrowed), 'turns', (select count(*) from turned))
on conflict do nothing;

-- name: move_memories
-- Give the memories of a place its new name. Where the new name has a memory of the same subject, that is the newer one.
with found as materialized (
  select id, flow, kind, valid_until, moved(moved(ref, %(place)s, %(became)s), %(name)s, %(new_name)s) as ref,
         moved(source, %(home)s, %(new_home)s) as source, moved_url(url, %(path)s, %(new_path)s) as url,
         moved_audience(audience, %(home)s, %(new_home)s) as audience
  from memories as m
  where tenant = %(tenant)s and lies_in(source, %(home)s)
    and (%(home)s = %(place)s or memory_matches(m, 'told', array[%(home)s, %(name)s, ''], '{}'))
),
doubled as (
  delete from memories as m using found
  where m.tenant = %(tenant)s and m.id = found.id and found.valid_until is null and exists (
    select from memories as there
    where there.tenant = %(tenant)s and there.flow = found.flow and there.kind = found.kind and there.ref = found.ref
      and there.id <> found.id and there.valid_until is null)
  returning m.id
),
renamed as (
  update memories as m
  set ref = found.ref, source = found.source, url = found.url,
      audience = case when is_wider(found.audience, %(place)s) and %(audience)s <> '' then %(audience)s else found.audience end
  from found
  where m.tenant = %(tenant)s and m.id = found.id and not exists (
    select from memories as there
    where found.valid_until is null and there.tenant = %(tenant)s and there.flow = found.flow
      and there.kind = found.kind and there.ref = found.ref and there.id <> found.id and there.valid_until is null)
  returning 1
)
insert into memory_audit (tenant, id, actor, action, event_id, counts)
select %(tenant)s, %(audit)s, %(actor)s, 'move', %(event)s,
       json_build_object('memories', (select count(*) from renamed), 'doubled', (select count(*) from doubled))
on conflict do nothing;

-- name: move_turns
-- Give the conversations of a place, their summaries and their events its new name.
with summed as (
  update conversation_summaries set conversation = moved(conversation, %(place)s, %(became)s)
  where tenant = %(tenant)s and lies_in(conversation, %(place)s)
),
happened as (
  update events
  set conversation = moved(conversation, %(place)s, %(became)s),
      audience = case when is_wider(audience, %(place)s) and %(audience)s <> '' then %(audience)s
                      else moved_audience(audience, %(home)s, %(new_home)s) end
  where tenant = %(tenant)s and lies_in(conversation, %(place)s)
)
update turns
set conversation = moved(conversation, %(place)s, %(became)s), source = moved(source, %(home)s, %(new_home)s),
    url = moved_url(url, %(path)s, %(new_path)s),
    audience = case when is_wider(audience, %(place)s) and %(audience)s <> '' then %(audience)s
                    else moved_audience(audience, %(home)s, %(new_home)s) end
where tenant = %(tenant)s and lies_in(conversation, %(place)s);

-- name: move_blocks
-- Keep out under the new name too what somebody asked to forget.
insert into memory_blocks (tenant, by, value, grounds, audiences, reason, blocked_at)
select tenant, by,
       case by when 'source' then moved(value, %(place)s, %(became)s)
               when 'ref' then moved(value, %(name)s, %(new_name)s) else value end,
       moved(grounds, %(place)s, %(became)s),
       array(select moved_audience(one, %(place)s, %(became)s) from unnest(audiences) as one), reason, blocked_at
from memory_blocks
where tenant = %(tenant)s
  and (lies_in(grounds, %(place)s) or (by = 'source' and lies_in(value, %(place)s)) or (by = 'ref' and lies_in(value, %(name)s)))
on conflict do nothing;

-- name: move_findings
-- Let what reviews found follow a repository to its new name.
with reviewed as (
  insert into reviewed_commits (tenant, repository, number, base, head, run_id, reviewed_at, rounds)
  select tenant, moved(repository, %(name)s, %(new_name)s), number, base, head, run_id, reviewed_at, rounds
  from reviewed_commits where tenant = %(tenant)s and lies_in(repository, %(name)s)
  on conflict do nothing
),
left_behind as (delete from reviewed_commits where tenant = %(tenant)s and lies_in(repository, %(name)s))
update findings set repository = moved(repository, %(name)s, %(new_name)s)
where tenant = %(tenant)s and lies_in(repository, %(name)s);

-- name: move_quiet
-- Stay quiet in a place under its new name.
with kept as (
  insert into quiet_places (tenant, place, event_id, since)
  select tenant, moved(place, %(place)s, %(became)s), event_id, since
  from quiet_places where tenant = %(tenant)s and lies_in(place, %(place)s)
  on conflict do nothing
)
delete from quiet_places where tenant = %(tenant)s and lies_in(place, %(place)s);

-- name: move_reminders
-- Let reminders follow the conversation in which they were set.
update reminders set conversation = moved(conversation, %(place)s, %(became)s)
where tenant = %(tenant)s and lies_in(conversation, %(place)s);

-- name: move_channels
-- Let what people set for a channel follow it to its new id.
with kept as (
  insert into channel_settings (tenant, place, key, value, changed_by, changed_at, event_id)
  select tenant, moved(place, %(place)s, %(became)s), key, value, changed_by, changed_at, event_id
  from channel_settings where tenant = %(tenant)s and lies_in(place, %(place)s)
  on conflict do nothing
)
delete from channel_settings where tenant = %(tenant)s and lies_in(place, %(place)s);

-- name: move_answer_drafts
-- Let drafts of answers follow their question.
update answer_drafts set conversation = moved(conversation, %(place)s, %(became)s)
where tenant = %(tenant)s and lies_in(conversation, %(place)s);

-- name: move_signals
-- Let what people made of the agent's work, and the rules that came of it, follow a repository to its new name.
with ruled as (
  update rules set place = moved(place, %(place)s, %(became)s)
  where tenant = %(tenant)s and lies_in(place, %(place)s)
)
update signals set repository = moved(repository, %(name)s, %(new_name)s)
where tenant = %(tenant)s and lies_in(repository, %(name)s);

-- name: move_files
-- Give what was taken of a place its new name, unless it was taken under that already.
with kept as (
  insert into memory_files (tenant, source, kind, path, hash, passages, taken_at)
  select tenant, moved(source, %(place)s, %(became)s), kind, path, hash,
         coalesce((select jsonb_object_agg(moved(key, %(name)s, %(new_name)s), value) from jsonb_each(passages)), '{}'), taken_at
  from memory_files where tenant = %(tenant)s and lies_in(source, %(place)s)
  on conflict do nothing
),
left_behind as (delete from memory_files where tenant = %(tenant)s and lies_in(source, %(place)s)),
sources as (
  insert into memory_sources (tenant, source, audience, includes, head, taken_at)
  select tenant, moved(source, %(place)s, %(became)s),
         case when is_wider(audience, %(place)s) and %(audience)s <> '' then %(audience)s
              else moved_audience(audience, %(place)s, %(became)s) end, includes, head, taken_at
  from memory_sources where tenant = %(tenant)s and lies_in(source, %(place)s)
  on conflict do nothing
),
named as (
  insert into repository_names (tenant, place, number)
  select tenant, moved(place, %(place)s, %(became)s), number
  from repository_names where tenant = %(tenant)s and lies_in(place, %(place)s)
  on conflict (tenant, place) do update set number = excluded.number
),
unnamed as (delete from repository_names where tenant = %(tenant)s and lies_in(place, %(place)s))
delete from memory_sources where tenant = %(tenant)s and lies_in(source, %(place)s);

-- name: page
-- Read some memories of a place, as another place has them.
select id::text, flow, kind, moved(moved(ref, %(place)s, %(became)s), %(name)s, %(new_name)s) as ref, text,
       moved(source, %(place)s, %(became)s) as source, moved_url(url, %(path)s, %(new_path)s) as url,
       moved_audience(audience, %(place)s, %(became)s) as audience,
       author, trust
from memories
where tenant = %(tenant)s and lies_in(source, %(place)s) and valid_until is null and id > %(after)s::uuid
order by id limit %(most)s;

-- name: blocks_of
-- Read what somebody asked to forget in a place, as another place has it.
select by, reason,
       case by when 'source' then moved(value, %(place)s, %(became)s)
               when 'ref' then moved(value, %(name)s, %(new_name)s) else value end as value,
       moved(grounds, %(place)s, %(became)s) as grounds,
       array(select moved_audience(one, %(place)s, %(became)s) from unnest(audiences) as one) as audiences
from memory_blocks where tenant = %(tenant)s;

-- name: block
-- Keep out what somebody asked to forget.
insert into memory_blocks (tenant, by, value, grounds, audiences, reason)
values (%(tenant)s, %(by)s, %(value)s, %(grounds)s, %(audiences)s, %(reason)s)
on conflict do nothing;

-- name: told_at
-- Read what is remembered of the text at an address, or as the issue of a ref.
select m.id::text, m.flow, m.kind, m.ref, m.text, m.url, m.audience, m.author, m.source, m.trust, m.valid_until is null as holds
from memories as m
where m.tenant = %(tenant)s and memory_matches(m, 'told', array[%(home)s, %(ref)s, %(address)s], '{}')
  and (m.url = %(address)s or (m.kind = 'issue' and m.ref = %(ref)s));

-- name: said
-- Read what people said in a conversation, and whether at this address.
select text, url = %(address)s and url <> '' as here from turns
where tenant = %(tenant)s and conversation = any (%(conversations)s) and role = 'user';

-- name: untell
-- Forget memories of a text that says something else now.
with gone as (delete from memories where tenant = %(tenant)s and id = any (%(ids)s::uuid[]) returning 1)
insert into memory_audit (tenant, id, actor, action, event_id, counts)
select %(tenant)s, %(audit)s, %(actor)s, 'retell', %(event)s,
       json_build_object('memories', (select count(*) from gone) + %(fresh)s)
on conflict do nothing;

-- name: retell
-- Let a conversation say what a text says now.
with edited as (
  update turns set text = %(text)s, looked_at = null
  where tenant = %(tenant)s and conversation = any (%(conversations)s) and role = 'user' and url = %(address)s and text <> %(text)s
  returning seq
)
delete from conversation_summaries
where tenant = %(tenant)s and conversation = any (%(conversations)s) and up_to_seq >= (select min(seq) from edited);

-- name: unsay
-- Take the answers out of a conversation that repeat words which nobody says there any more; their places stay.
update turns set text = %(instead)s
where tenant = %(tenant)s and conversation = any (%(conversations)s) and role = 'assistant'
  and exists (select from unnest(%(words)s::text[]) as word where strpos(lower(text), word) > 0);

-- name: under_way
-- Tell if another flow is at work on the text at an address.
select exists (
  select from runs join events on events.tenant = runs.tenant and events.id = runs.event_id
  where runs.tenant = %(tenant)s and runs.state in ('running', 'retrying') and runs.started_at > now() - interval '1 hour'
    and runs.flow <> %(flow)s and events.id <> %(event)s and events.conversation = any (%(conversations)s)
    and strpos(events.body::text, '"url":"' || %(address)s || '"') > 0) as busy;

-- name: conversations_of
-- Read where the words of a direct message stand: it may have been answered together with the one before it.
select distinct conversation from turns where tenant = %(tenant)s and source = %(home)s and url = %(address)s and url <> '';
