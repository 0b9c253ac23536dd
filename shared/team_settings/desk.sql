-- name: first_week
-- When the first week of the newest installation for this tenant ends: the timer that was set then.
select (e.arguments ->> 'at')::float8 as ends
from effects as e
where e.tenant = %(tenant)s and e.tool = 'SetTimer' and e.target = %(tenant)s
  and e.state = 'committed' and e.arguments ->> 'event' = %(event)s
order by e.settled_at desc limit 1;
