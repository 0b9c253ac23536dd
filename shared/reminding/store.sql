-- name: keep_reminder
-- Keep a reminder; the same a second time changes nothing. What is over for a month goes.
with old as (
  delete from reminders where tenant = %(tenant)s and state <> 'active' and changed_at < now() - interval '30 days'
)
insert into reminders (tenant, id, conversation, asker, asker_name, whom, place, text, zone, shift, rule, next_at)
values (%(tenant)s, %(id)s, %(conversation)s, %(asker)s, %(asker_name)s, %(whom)s, %(place)s, %(text)s, %(zone)s, %(shift)s,
        %(rule)s, %(next_at)s)
on conflict do nothing;

-- name: reminder
-- A reminder as it stands, and the time by the clock of the database.
select id, conversation, asker, asker_name, whom, place, text, zone, shift, rule, next_at, state,
       extract(epoch from now())::float8 as now
from reminders where tenant = %(tenant)s and id = %(id)s;

-- name: reminders_of
-- The reminders of a person that are still to come, those they set and those set for them, the next first.
select id, conversation, asker, asker_name, whom, place, text, zone, shift, rule, next_at, state, 0::float8 as now
from reminders where tenant = %(tenant)s and state = 'active' and %(person)s in (asker, whom)
order by next_at, id limit 100;

-- name: came
-- Note that a reminder came, and when it comes next; one that was cancelled meanwhile stays so.
update reminders
set next_at = coalesce(%(following)s, next_at), state = case when %(following)s::float8 is null then 'done' else state end,
    changed_at = now()
where tenant = %(tenant)s and id = %(id)s and state = 'active' and next_at = %(at)s;

-- name: cancel_reminder
-- Let a reminder of a person not come again; a second time it is the same.
update reminders set state = 'cancelled', changed_at = now()
where tenant = %(tenant)s and id = %(id)s and state in ('active', 'cancelled') and %(person)s in (asker, whom)
returning id;
