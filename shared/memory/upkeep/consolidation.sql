-- name: lock
-- Let consolidation change a tenant's memories one transaction at a time; others wait for milliseconds.
select pg_advisory_xact_lock(hashtextextended('consolidation ' || %(tenant)s, 0));

-- name: begin
-- Begin a pass, unless one is under way or ended within the day. The last minute waits: its memories may be uncommitted.
insert into consolidation_progress (tenant, until) values (%(tenant)s, now() - interval '1 minute')
on conflict (tenant) do update
set pass = excluded.pass, started_at = now(), until = excluded.until, finished_at = null
where consolidation_progress.finished_at < now() - interval '20 hours';

-- name: progress
-- Read the pass that is under way.
select pass::text, at, id::text, until from consolidation_progress where tenant = %(tenant)s and finished_at is null;

-- name: prepare
-- Let index scans go on, in this transaction, until enough rows pass the filter.
select set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '40', true);

-- name: fresh
-- Read the next memories that have not been compared.
select id::text, remembered_at from memories
where tenant = %(tenant)s and valid_until is null and kind <> all(%(apart)s::text[])
  and (remembered_at, id) > (%(at)s, %(id)s::uuid) and remembered_at <= %(until)s
order by remembered_at, id limit %(batch)s;

-- name: near
-- Read the pairs of one of these and a near neighbour, of one kind, flow, audience, source and trust. Up to
-- `exact_rows` are all compared; above that the index of DIMENSIONS (a type's length cannot be a parameter) is scanned.
with fresh as materialized (
  select m.id, m.kind, m.flow, m.audience, m.source, m.trust, m.text, m.digest, m.uses, m.seq, m.ref,
         v.embedding::halfvec(DIMENSIONS) as embedding
  from memories m join memory_vectors v on v.tenant = m.tenant and v.memory = m.id
  where m.tenant = %(tenant)s and v.tenant = %(tenant)s and v.embedder = %(embedder)s and v.dimensions = DIMENSIONS
    and m.valid_until is null and m.kind <> all(%(apart)s::text[])
    and (m.remembered_at, m.id) > (%(at)s, %(id)s::uuid) and m.remembered_at <= %(until)s
  order by m.remembered_at, m.id limit %(batch)s
)
select f.id::text as one_id, f.digest as one_digest, f.text as one_text, f.uses as one_uses, f.seq as one_seq,
       o.id::text as other_id, o.digest as other_digest, o.text as other_text, o.uses as other_uses, o.seq as other_seq
from fresh f
cross join lateral (
  select count(*) <= %(exact_rows)s as are from (
    select from memory_vectors c
    where c.tenant = %(tenant)s and c.embedder = %(embedder)s and c.dimensions = DIMENSIONS and c.valid_until is null
      and c.audience = f.audience and c.flow = f.flow and c.kind = f.kind
    limit %(exact_rows)s + 1) as bounded
) as few
cross join lateral (
  (select c.memory, (c.embedding::halfvec(DIMENSIONS) <=> f.embedding) + 0 as distance
   from memory_vectors c
   where few.are and c.tenant = %(tenant)s and c.embedder = %(embedder)s and c.dimensions = DIMENSIONS
     and c.valid_until is null and c.audience = f.audience and c.flow = f.flow and c.kind = f.kind
   order by distance limit %(neighbours)s)
  union all
  (select c.memory, c.embedding::halfvec(DIMENSIONS) <=> f.embedding
   from memory_vectors c
   where not few.are and c.tenant = %(tenant)s and c.embedder = %(embedder)s and c.dimensions = DIMENSIONS
     and c.valid_until is null and c.audience = f.audience and c.flow = f.flow and c.kind = f.kind
   order by c.embedding::halfvec(DIMENSIONS) <=> f.embedding limit %(neighbours)s)
) as near
join memories o on o.tenant = %(tenant)s and o.id = near.memory
where o.id <> f.id and near.distance <= %(distance)s and o.valid_until is null
  and o.source = f.source and o.trust = f.trust;

-- name: merge
-- Let each survivor supersede its loser, if both texts are still those that were compared.
with pairs as (
  select * from unnest(%(losers)s::uuid[], %(loser_digests)s::text[], %(survivors)s::uuid[], %(survivor_digests)s::text[])
    as p (loser, loser_digest, survivor, survivor_digest)
),
held as materialized (
  select m.id, m.uses, m.lowered_at from memories m
  where m.tenant = %(tenant)s and m.valid_until is null and (m.id, m.digest) in (
    select loser, loser_digest from pairs union all select survivor, survivor_digest from pairs)
  order by m.id for update
),
sound as materialized (
  select p.loser, p.survivor, h.uses, h.lowered_at
  from pairs p join held h on h.id = p.loser
  where p.survivor in (select id from held)
),
changed as (
  update memories m set valid_until = now(), superseded_by = s.survivor
  from sound s where m.tenant = %(tenant)s and m.id = s.loser
),
journaled as (
  insert into consolidations (tenant, pass, operation, memories, kept, before)
  select %(tenant)s, %(pass)s::uuid, 'merge', array_agg(loser), survivor,
         json_agg(json_build_object('id', loser, 'uses', uses, 'lowered_at', lowered_at))
  from sound group by survivor
)
select count(*) as changed from sound;

-- name: supersede
-- Let only the newest fact of each subject hold. A stranger's fact never supersedes a member's.
with subjects as (
  select distinct flow, audience, trust, subject_key from memories
  where tenant = %(tenant)s and id = any(%(ids)s::uuid[]) and valid_until is null and subject_key <> ''
),
held as materialized (
  select m.id, m.flow, m.audience, m.trust, m.subject_key, m.remembered_at, m.seq, m.uses, m.lowered_at
  from memories m join subjects s using (flow, audience, trust, subject_key)
  where m.tenant = %(tenant)s and m.valid_until is null
  order by m.id for update of m
),
ranked as materialized (
  select *, first_value(id) over (
    partition by flow, audience, trust, subject_key order by remembered_at desc, seq desc) as newest
  from held
),
sound as materialized (
  select id as loser, newest as survivor, uses, lowered_at from ranked where id <> newest
),
changed as (
  update memories m set valid_until = now(), superseded_by = s.survivor
  from sound s where m.tenant = %(tenant)s and m.id = s.loser
),
journaled as (
  insert into consolidations (tenant, pass, operation, memories, kept, before)
  select %(tenant)s, %(pass)s::uuid, 'supersede', array_agg(loser), survivor,
         json_agg(json_build_object('id', loser, 'uses', uses, 'lowered_at', lowered_at))
  from sound group by survivor
)
select count(*) as changed from sound;

-- name: advance
-- Record that these are compared, unless another function is further already.
update consolidation_progress set at = %(to_at)s, id = %(to_id)s::uuid
where tenant = %(tenant)s and pass = %(pass)s::uuid and (at, id) < (%(to_at)s, %(to_id)s::uuid);

-- name: lower
-- Halve the uses of memories without use for a season.
with stale as materialized (
  select id, uses, lowered_at from memories
  where tenant = %(tenant)s and valid_until is null and uses > 0
    and greatest(used_at, remembered_at, lowered_at) < now() - make_interval(days => %(season)s)
  order by id limit %(most)s for update
),
changed as (
  update memories m set uses = m.uses / 2, lowered_at = now()
  from stale s where m.tenant = %(tenant)s and m.id = s.id
),
journaled as (
  insert into consolidations (tenant, pass, operation, memories, before)
  select %(tenant)s, %(pass)s::uuid, 'lower', array_agg(id),
         json_agg(json_build_object('id', id, 'uses', uses, 'lowered_at', lowered_at))
  from stale having count(*) > 0
)
select count(*) as changed from stale;

-- name: drop
-- End the episodes, and the facts from outside, that were not used for so long.
with stale as materialized (
  select id, uses, lowered_at from memories
  where tenant = %(tenant)s and valid_until is null and uses = 0
    and (kind = 'episode' or (kind = 'fact' and trust in ('outside', 'own_outside')))
    and greatest(used_at, remembered_at) < now() - make_interval(days => %(days)s)
  order by id limit %(most)s for update
),
changed as (
  update memories m set valid_until = now() from stale s where m.tenant = %(tenant)s and m.id = s.id
),
journaled as (
  insert into consolidations (tenant, pass, operation, memories, before)
  select %(tenant)s, %(pass)s::uuid, 'drop', array_agg(id),
         json_agg(json_build_object('id', id, 'uses', uses, 'lowered_at', lowered_at))
  from stale having count(*) > 0
)
select count(*) as changed from stale;

-- name: delete
-- Delete memories that were dropped so long ago that nobody can undo it.
with due as materialized (
  select id, at, memories from consolidations
  where tenant = %(tenant)s and operation = 'drop' and undone_at is null and final_at is null
    and at < now() - make_interval(days => %(undo)s)
  order by at limit 1 for update
),
final as (
  update consolidations c set final_at = now() from due where c.tenant = %(tenant)s and c.id = due.id
),
gone as (
  delete from memories m using due
  where m.tenant = %(tenant)s and m.id = any(due.memories) and m.valid_until = due.at and m.superseded_by is null
  returning 1
)
select (select count(*) from gone) as changed, (select count(*) from due) as due;

-- name: finish
-- End the pass; the next begins in a day.
update consolidation_progress set finished_at = now(), at = until
where tenant = %(tenant)s and pass = %(pass)s::uuid and finished_at is null;

-- name: listed
-- Read the newest changes of every tenant.
select tenant, id, at, operation, cardinality(memories) as memories, undone_at, final_at
from consolidations order by at desc, id limit %(limit)s;

-- name: named
-- Read the changes whose id starts so.
select tenant, id from consolidations where starts_with(id, %(id)s) order by at desc limit 2;

-- name: undo
-- Bring back the memories that a change took, if they still exist as the change left them and nobody asked to forget
-- them. Of memories that said the same, all come back or none: if one was forgotten, the others say what was forgotten.
with asked as materialized (
  select * from consolidations
  where tenant = %(tenant)s and id = %(id)s and undone_at is null and final_at is null for update
),
old as materialized (
  select o.* from asked, json_to_recordset(asked.before) as o (id uuid, uses int, lowered_at timestamptz)
),
there as materialized (
  select m.id, m.flow, m.kind, m.ref, a.operation, old.uses, old.lowered_at
  from asked a join old on true join memories m on m.tenant = %(tenant)s and m.id = old.id
  where case a.operation
      when 'lower' then m.valid_until is null and m.lowered_at = a.at
      else m.valid_until = a.at and m.superseded_by is not distinct from a.kept end
    and not is_blocked(%(tenant)s, m.digest, m.ref, m.author, m.source, m.audience)
    and (a.operation = 'lower' or not exists (
      select from memories n where n.tenant = %(tenant)s and n.valid_until is null
        and (n.flow, n.kind, n.ref) = (m.flow, m.kind, m.ref)))
  order by m.id for update of m
),
sound as materialized (
  select * from there
  where operation not in ('merge', 'supersede') or (select count(*) from there) = (select count(*) from old)
),
changed as (
  update memories m
  set valid_until = null, superseded_by = null,
      uses = case s.operation when 'lower' then m.uses + s.uses - s.uses / 2 else m.uses end,
      lowered_at = s.lowered_at
  from sound s where m.tenant = %(tenant)s and m.id = s.id
),
marked as (
  update consolidations c set undone_at = now()
  where c.tenant = %(tenant)s and c.id in (select id from asked) and exists (select from sound)
),
audited as (
  insert into memory_audit (tenant, actor, action, counts)
  select %(tenant)s, 'operator', 'undo', json_build_object('consolidation', id, 'memories', (select count(*) from sound))
  from asked where exists (select from sound)
)
select operation, (select count(*) from sound) as restored, (select count(*) from old) as wanted from asked;
