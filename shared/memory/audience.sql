-- name: spellings
-- Read the audiences of a kind, in the C collation up to `after`, that have one of the names, or belong to one of the
-- owners; the names of both are in small letters. The query steps from one audience to the next in the index, so each
-- costs one look, however many memories it has.
with recursive found as (
  (select audience, 1 as number from memories
   where tenant = %(tenant)s and audience collate "C" > %(kind)s and audience collate "C" < %(after)s
   order by audience collate "C" limit 1)
  union all
  (select next.audience, found.number + 1
   from found cross join lateral (
     select m.audience from memories m
     where m.tenant = %(tenant)s and m.audience collate "C" > found.audience and m.audience collate "C" < %(after)s
     order by m.audience collate "C" limit 1) as next
   where found.number < %(looked_at)s)
)
select audience from found
where lower(audience) = any(%(names)s::text[])
   or exists (select from unnest(%(owners)s::text[]) as owner where starts_with(lower(audience), owner))
limit %(most)s;
