-- name: remember
-- Keep a text under its subject, unless it is blocked, or replace what the subject has. What outsiders said never replaces
-- a member's words; an author may replace their own, where a name is nobody else's. The same text once more in one
-- transaction writes nothing, since Postgres can remove old versions of a row only after the transaction.
with kept as (
  insert into memories (tenant, flow, kind, ref, text, digest, terms, impacts, url, audience, author, source, trust,
                        event_id)
  select %(tenant)s, %(flow)s, %(kind)s, %(ref)s, %(text)s, %(digest)s, %(terms)s::bigint[], %(impacts)s::smallint[],
         %(url)s, %(audience)s, %(author)s, %(source)s, %(trust)s, %(event)s
  where not is_blocked(%(tenant)s, %(digest)s, %(ref)s, %(author)s, %(source)s, %(audience)s)
  on conflict (tenant, flow, kind, ref) where valid_until is null do update
  set text = excluded.text, digest = excluded.digest, terms = excluded.terms, impacts = excluded.impacts,
      url = excluded.url, audience = excluded.audience, author = excluded.author, source = excluded.source,
      trust = excluded.trust, event_id = excluded.event_id, remembered_at = now(),
      valid_from = case when memories.digest = excluded.digest then memories.valid_from else now() end
  where (memories.remembered_at < now()
     or (memories.digest, memories.url, memories.audience, memories.author, memories.source, memories.trust)
        is distinct from (excluded.digest, excluded.url, excluded.audience, excluded.author, excluded.source, excluded.trust))
    and (memories.trust <> 'inside' or excluded.trust in ('inside', 'own')
         or (memories.author = excluded.author and starts_with(excluded.source, 'github:')))
  returning id
)
insert into memory_vectors (tenant, memory, embedder, dimensions, embedding)
select %(tenant)s, kept.id, new.embedder, new.dimensions, new.embedding::halfvec
from kept, unnest(%(embedders)s::text[], %(dimensions)s::int[], %(embeddings)s::text[])
  as new (embedder, dimensions, embedding)
on conflict (tenant, memory, embedder) do update
set dimensions = excluded.dimensions, embedding = excluded.embedding;

-- name: hold_subject
-- Let the writers of one subject take turns until the transaction ends.
select pg_advisory_xact_lock(hashtextextended(
  concat_ws(E'\n', 'memory', %(tenant)s::text, %(flow)s::text, %(kind)s::text, %(ref)s::text), 0));

-- name: retire
-- End the memory that holds under a subject, if the next one says something else, may replace it and is not blocked.
update memories set valid_until = now()
where tenant = %(tenant)s and flow = %(flow)s and kind = %(kind)s and ref = %(ref)s and valid_until is null
  and digest <> %(digest)s
  and (trust <> 'inside' or %(trust)s in ('inside', 'own') or (author = %(author)s and starts_with(%(source)s, 'github:')))
  and not is_blocked(%(tenant)s, %(digest)s, %(ref)s, %(author)s, %(source)s, %(audience)s);

-- name: link_successor
-- Record the successor of the memory that this transaction ended.
update memories as old set superseded_by = new.id
from memories as new
where old.tenant = %(tenant)s and old.flow = %(flow)s and old.kind = %(kind)s and old.ref = %(ref)s
  and old.valid_until = now() and old.superseded_by is null
  and new.tenant = %(tenant)s and new.flow = %(flow)s and new.kind = %(kind)s and new.ref = %(ref)s
  and new.valid_until is null;

-- name: used
-- Count one more use of these memories.
update memories set uses = uses + 1, used_at = now()
where tenant = %(tenant)s and id = any(%(ids)s::uuid[]);

-- name: recall
-- Read the memories nearest in meaning and in words, best first; see infra/migrations/0023_recall_by_size.sql.
select * from recall_memories(
  row(%(tenant)s, %(flow)s, %(audiences)s::text[], %(kinds)s::text[], %(since)s, %(until)s, %(embedder)s,
      %(dimensions)s)::recall_scope,
  %(exclude_ref)s, %(embedding)s::halfvec, %(terms)s::bigint[],
  %(counted)s, %(indexed)s, %(exact_rows)s, %(breadth)s, %(listed)s, %(listed_in_all)s, %(proposed)s,
  %(candidates)s, %(shown)s, %(enough)s,
  %(meaning_weight)s, %(words_weight)s, %(prior_weight)s, %(best_impact)s, %(half_life)s, %(nearly_equal)s
);
