-- name: first_week
-- When the first week of the newest installation for this tenant ends: the timer that was set then.
select (e.arguments ->> 'at')::float8 as ends
from effects as e
where e.tenant = %(tenant)s and e.tool = 'SetTimer' and e.target = %(tenant)s
  and e.state = 'committed' and e.arguments ->> 'event' = %(event)s
order by e.settled_at desc limit 1;

-- name: told
-- What the flow told last in the comment that it edits in place: the problems of the file, or that they are mended.
-- Compared as text, since Postgres reads no JSON that holds a NUL.
select strpos(arguments::text, %(mended)s) = 0 as is_wrong
from effects
where tenant = %(tenant)s and flow = %(flow)s and tool = 'Comment' and target = %(target)s and state = 'committed'
  and strpos(arguments::text, '"sticky":true') > 0
order by settled_at desc limit 1;
