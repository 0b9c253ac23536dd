-- name: lease_conversation
-- Lease the conversation whose turns have waited longest, unless another worker has it. The owner may renew its lease.
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
-- Read the turns that wait in the conversation leased to `owner`, oldest first.
select t.seq, t.author, t.text, t.event_id as event, t.url, t.audience, t.source, t.trust, t.flow
from turns t join fact_leases l on (l.tenant, l.conversation) = (t.tenant, t.conversation)
where t.tenant = %(tenant)s and l.owner = %(owner)s and l.until > now()
  and t.role = 'user' and t.looked_at is null and t.audience <> '' and t.created_at < now() - interval '1 minute'
order by t.seq
limit %(limit)s;

-- name: turns_around
-- Read what both sides said in the conversation before and between the first turns that wait.
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
select t.seq, t.text, t.role = 'assistant' or t.trust = 'inside' as trusted from turns t join held using (conversation)
where t.tenant = %(tenant)s and t.seq < (select max(seq) from waiting)
order by t.seq desc
limit %(around)s;

-- name: hold_facts
-- Abort the transaction unless `owner` still has the lease and all turns still exist.
select hold_facts(%(tenant)s, %(conversation)s, %(owner)s, %(seqs)s::bigint[]);

-- name: mark_looked_at
-- Mark these turns as done.
update turns set looked_at = now()
where tenant = %(tenant)s and conversation = %(conversation)s and seq = any(%(seqs)s::bigint[]) and looked_at is null;

-- name: free_conversation
-- Give the conversation back.
delete from fact_leases where tenant = %(tenant)s and conversation = %(conversation)s and owner = %(owner)s;

-- name: rest_conversation
-- Leave the conversation alone for a while, and keep its number of attempts.
update fact_leases set until = now() + make_interval(secs => %(seconds)s)
where tenant = %(tenant)s and conversation = %(conversation)s and owner = %(owner)s;
