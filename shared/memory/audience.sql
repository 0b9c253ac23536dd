-- name: repositories
-- Read the audiences that begin with `prefix`, in the C collation up to `after`. The query steps from one audience to the
-- next in the index, so each costs one look, however many memories it has.
with recursive found as (
  (select audience, 1 as number from memories
   where tenant = %(tenant)s and audience collate "C" > %(prefix)s and audience collate "C" < %(after)s
   order by audience collate "C" limit 1)
  union all
  (select next.audience, found.number + 1
   from found cross join lateral (
     select m.audience from memories m
     where m.tenant = %(tenant)s and m.audience collate "C" > found.audience and m.audience collate "C" < %(after)s
     order by m.audience collate "C" limit 1) as next
   where found.number < %(most)s)
)
select audience from found;
