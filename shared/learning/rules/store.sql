-- name: propose
-- Keep a candidate; one that is there reaches further where two people say the same of other files.
insert into rules as r (tenant, id, purpose, scope, place, path, shape, person, category, about, words)
values (%(tenant)s, %(id)s, %(purpose)s, %(scope)s, %(place)s, %(path)s, %(shape)s, %(person)s, %(category)s, %(about)s,
        %(words)s)
on conflict (tenant, id) do update set scope = excluded.scope
where r.state = 'candidate' and r.scope in ('lines', 'file') and excluded.scope = 'repository'
  and exists (select from rule_evidence as e where (e.tenant, e.rule) = (r.tenant, r.id)
              and e.path not in ('', r.path) and e.actor <> %(actor)s);

-- name: support
-- Keep that somebody said so, once for each thing that they said it of.
insert into rule_evidence (tenant, rule, key, actor, words, path, at)
select tenant, id, %(key)s, %(actor)s, %(said)s, %(of_path)s, to_timestamp(%(at)s) from rules where tenant = %(tenant)s and id = %(rule)s
on conflict do nothing;

-- name: here
-- The rules of a place about the same, to which somebody may add their voice.
select id, purpose, scope, place, path, shape, person, category, about, words, state, decided_by
from rules where tenant = %(tenant)s and place = %(place)s and purpose = %(purpose)s and category = %(category)s
  and state <> 'disabled'
order by made_at desc limit 200;

-- name: in_force
-- The rules that are heeded in a place, for a person.
select id, purpose, scope, place, path, shape, person, category, about, words, state, decided_by
from rules_in_force(%(tenant)s, %(place)s, %(purpose)s, %(person)s);

-- name: heed
-- Keep that a run heeds these rules; and, in one of 16 runs, only the newest uses of each, since each claim adds up what
-- came of them.
with kept as (
  insert into rule_uses (tenant, rule, run_id)
  select %(tenant)s, r.id, %(run)s from rules as r where r.tenant = %(tenant)s and r.id = any (%(rules)s::text[])
  on conflict do nothing
),
old as (
  select u.ctid from rule_uses as u where left(%(run)s, 1) = '0' and u.tenant = %(tenant)s and (u.rule, u.run_id) in (
    select one.rule, one.run_id from (
      select v.rule, v.run_id, row_number() over (partition by v.rule order by r.started_at desc, r.id) as place
      from rule_uses as v join runs as r on (r.tenant, r.id) = (v.tenant, v.run_id)
      where v.tenant = %(tenant)s and v.rule = any (%(rules)s::text[])) as one
    where one.place > %(most)s)
  for update skip locked
)
delete from rule_uses where ctid in (select ctid from old);

-- name: listed
-- The rules of places, or one by its id there, with how many people said so, in which words, and what came of heeding them.
select r.id, r.purpose, r.scope, r.place, r.path, r.shape, r.person, r.category, r.about, r.words, r.state, r.decided_by,
       (select count(distinct e.actor)::int from rule_evidence as e where (e.tenant, e.rule) = (r.tenant, r.id)) as supporters,
       array(select e.words from rule_evidence as e where (e.tenant, e.rule) = (r.tenant, r.id) and e.words <> ''
             group by e.words order by min(e.at), e.words limit 10) as wordings,
       (select count(*)::int from rule_uses as u where (u.tenant, u.rule) = (r.tenant, r.id)) as uses,
       (select coalesce(sum(s.value * s.weight), 0)::float8
        from rule_uses as u join signals as s on (s.tenant, s.run_id) = (u.tenant, u.run_id)
        where (u.tenant, u.rule) = (r.tenant, r.id) and s.at > coalesce(r.decided_at, r.made_at)) as outcome,
       exists (select from rules_in_force(r.tenant, r.place, r.purpose, r.person) as f where f.id = r.id) as in_force
from rules as r
where r.tenant = %(tenant)s and (r.place = any (%(places)s::text[])
  or r.scope = 'organisation' and exists (select from unnest(%(places)s::text[]) as place
    where starts_with(lower(place), lower(r.place) || case when starts_with(r.place, 'github:') then '/' else ':' end)))
  and (%(id)s = '' or r.id = %(id)s)
order by r.state, r.made_at desc, r.id limit 100;

-- name: decide
-- Accept or disable a rule; what comes of it counts from now on.
update rules set state = %(state)s, decided_by = %(by)s, decided_at = now() where tenant = %(tenant)s and id = %(id)s;

-- name: edit
-- Give a rule other words; who edits it accepts it.
update rules set words = %(words)s, state = 'active', decided_by = %(by)s, decided_at = now()
where tenant = %(tenant)s and id = %(id)s;

-- name: reach
-- Let a rule reach otherwise.
update rules set scope = %(scope)s, place = %(place)s where tenant = %(tenant)s and id = %(id)s;

-- name: delete
-- Delete a rule.
delete from rules where tenant = %(tenant)s and id = %(id)s;
