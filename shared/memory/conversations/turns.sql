-- name: append
-- Keep one turn; when the same event speaks again in the same role, its text is replaced and its place kept.
insert into turns (tenant, conversation, role, author, text, event_id, url, audience, source, trust, flow)
values (%(tenant)s, %(conversation)s, %(role)s, %(author)s, %(text)s, %(event)s, %(url)s, %(audience)s, %(source)s,
        %(trust)s, %(flow)s)
on conflict (tenant, conversation, event_id, role) do update
set author = excluded.author, text = excluded.text;

-- name: summary
-- The newest summary of a conversation, if there is one.
select up_to_seq, text from conversation_summaries
where tenant = %(tenant)s and conversation = %(conversation)s
order by up_to_seq desc
limit 1;

-- name: newest
-- The newest turns that no summary holds, oldest first: at most `limit`, and about `characters` of them.
select seq, role, author, text from (
  select *, sum(length(text)) over (order by seq desc) - length(text) as newer from (
    select seq, role, author, text from turns
    where tenant = %(tenant)s and conversation = %(conversation)s
      and seq > coalesce((select max(up_to_seq) from conversation_summaries
                          where tenant = %(tenant)s and conversation = %(conversation)s), 0)
    order by seq desc
    limit %(limit)s) as last) as summed
where newer < %(characters)s
order by seq;

-- name: summarise
-- Keep a summary in the place of the one that it extends, if all that it tells of is still there: nothing that was
-- deleted meanwhile comes back with it.
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
insert into conversation_summaries (tenant, conversation, up_to_seq, text)
select %(tenant)s, %(conversation)s, %(up_to)s, %(text)s from whole
on conflict do nothing;

-- name: lease_conversation
-- Take the conversation whose turns have waited longest, unless another worker has it. The same owner gets the same again.
insert into fact_leases (tenant, conversation, owner, until)
select %(tenant)s, p.conversation, %(owner)s, now() + make_interval(secs => %(seconds)s)
from turns p
where p.tenant = %(tenant)s and p.role = 'user' and p.looked_at is null and p.audience <> ''
  and p.created_at < now() - interval '1 minute'
  and not exists (select from fact_leases l where (l.tenant, l.conversation) = (p.tenant, p.conversation)
                  and l.until > now() and l.owner <> %(owner)s)
order by p.seq
limit 1
on conflict (tenant, conversation) do update
set owner = excluded.owner, until = excluded.until, attempts = fact_leases.attempts + 1
where fact_leases.until <= now() or fact_leases.owner = excluded.owner
returning conversation, attempts;

-- name: pending_turns
-- The turns that wait in the conversation that `owner` holds, oldest first.
select t.seq, t.author, t.text, t.event_id as event, t.url, t.audience, t.source, t.trust, t.flow
from turns t join fact_leases l on (l.tenant, l.conversation) = (t.tenant, t.conversation)
where t.tenant = %(tenant)s and l.owner = %(owner)s and l.until > now()
  and t.role = 'user' and t.looked_at is null and t.audience <> '' and t.created_at < now() - interval '1 minute'
order by t.seq
limit %(limit)s;

-- name: turns_around
-- What both sides said in the conversation before and between the first turns that wait.
with held as materialized (
  select conversation from fact_leases
  where tenant = %(tenant)s and owner = %(owner)s and until > now()
),
waiting as materialized (
  select t.seq from turns t join held using (conversation)
  where t.tenant = %(tenant)s and t.role = 'user' and t.looked_at is null and t.audience <> ''
  order by t.seq
  limit %(limit)s
)
select t.seq, t.text from turns t join held using (conversation)
where t.tenant = %(tenant)s and t.seq < (select max(seq) from waiting)
order by t.seq desc
limit %(around)s;

-- name: hold_facts
-- Stop the transaction unless `owner` still holds the conversation and its turns are all there.
select hold_facts(%(tenant)s, %(conversation)s, %(owner)s, %(seqs)s::bigint[]);

-- name: mark_looked_at
-- Nobody needs to look at these turns again.
update turns set looked_at = now()
where tenant = %(tenant)s and conversation = %(conversation)s and seq = any(%(seqs)s::bigint[]) and looked_at is null;

-- name: free_conversation
-- Give the conversation back.
delete from fact_leases where tenant = %(tenant)s and conversation = %(conversation)s and owner = %(owner)s;

-- name: rest_conversation
-- Leave the conversation alone for a while; how often it was tried is kept.
update fact_leases set until = now() + make_interval(secs => %(seconds)s)
where tenant = %(tenant)s and conversation = %(conversation)s and owner = %(owner)s;
