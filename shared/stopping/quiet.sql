-- name: pause
-- Let the agent be quiet in a place; says if it was already.
with said as (
  insert into quiet_places (tenant, place, event_id) values (%(tenant)s, %(place)s, %(event)s)
  on conflict do nothing returning 1
)
select not exists (select from said) as was_quiet;

-- name: resume
-- Let the agent act again in places; says if one was quiet, and if all around them is.
with gone as (
  delete from quiet_places where tenant = %(tenant)s and place = any (%(places)s) returning 1
)
select exists (select from gone) as was_quiet, exists (
  select from quiet_places where tenant = %(tenant)s and place = %(around)s and place <> all (%(places)s)) as is_quiet;
