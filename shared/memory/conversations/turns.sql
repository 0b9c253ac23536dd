-- name: append
-- Keep one turn, unless its author, or who asked, wants nothing kept of them. The same event in the same role replaces the
-- text and keeps its place.
insert into turns (tenant, conversation, role, author, text, event_id, url, audience, source, trust, flow, attached)
select %(tenant)s, %(conversation)s, %(role)s, %(author)s, %(text)s, %(event)s, %(url)s, %(audience)s, %(source)s,
       %(trust)s, %(flow)s, %(attached)s::jsonb
where not exists (
  select from memory_blocks
  where tenant = %(tenant)s and by = 'author' and value = %(asker)s
    and (grounds = '' or lies_in(%(source)s, grounds)) and (audiences = '{}' or %(audience)s = any (audiences)))
on conflict (tenant, conversation, event_id, role) do update
set author = excluded.author, text = excluded.text, trust = excluded.trust, attached = excluded.attached;

-- name: drop
-- Take out the turns of events that another one takes the place of.
delete from turns
where tenant = %(tenant)s and conversation = %(conversation)s and event_id = any (%(events)s);

-- name: summary
-- Read the newest summary of a conversation, if there is one.
select up_to_seq, text, trust from conversation_summaries
where tenant = %(tenant)s and conversation = %(conversation)s
order by up_to_seq desc
limit 1;

-- name: newest
-- Read the newest turns that no summary holds, oldest first, without those of some events: at most `limit`, and about
-- `characters` in all.
select seq, role, author, text, trust from (
  select *, sum(length(text)) over (order by seq desc) - length(text) as newer from (
    select seq, role, author, text, trust from turns
    where tenant = %(tenant)s and conversation = %(conversation)s and event_id <> all (%(without)s)
      and seq > coalesce((select max(up_to_seq) from conversation_summaries
                          where tenant = %(tenant)s and conversation = %(conversation)s), 0)
    order by seq desc
    limit %(limit)s) as last) as summed
where newer < %(characters)s
order by seq;

-- name: attached
-- Read the newest files that came with turns, without those of some events, the newest first.
select t.author, t.trust, t.url, file.about
from turns as t, jsonb_array_elements(t.attached) with ordinality as file (about, place)
where t.tenant = %(tenant)s and t.conversation = %(conversation)s and t.event_id <> all (%(without)s)
  and t.attached <> '[]'
order by t.seq desc, file.place
limit %(files)s;

-- name: summarise
-- Replace a summary by the one that extends it, if all turns in it still exist: a turn that was deleted meanwhile must
-- not come back.
with told as (
  select count(*) as turns from turns
  where tenant = %(tenant)s and conversation = %(conversation)s and seq between %(first)s and %(up_to)s
),
extended as (
  select count(*) as summaries from conversation_summaries
  where tenant = %(tenant)s and conversation = %(conversation)s and up_to_seq = %(previous)s
),
whole as (
  select 1 from told, extended where told.turns = %(turns)s and (%(previous)s = 0 or extended.summaries = 1)
),
replaced as (
  delete from conversation_summaries
  where tenant = %(tenant)s and conversation = %(conversation)s and up_to_seq < %(up_to)s
    and exists (select from whole)
)
insert into conversation_summaries (tenant, conversation, up_to_seq, text, trust)
select %(tenant)s, %(conversation)s, %(up_to)s, %(text)s, %(trust)s from whole
on conflict do nothing;
