-- name: week
-- What became of the drafts since somebody switched `mode answers` on at this moment, if it still holds; each is what
-- would have been answered. `open` are the newest that nobody decided about.
select s.changed_by as person,
       exists (select from channel_settings as o where o.tenant = s.tenant and o.place = s.place and o.key = 'drafts'
               and o.value #>> '{}' = 'on') as keeps,
       count(d.run_id) as drafts, count(*) filter (where d.outcome = 'sent') as sent,
       count(*) filter (where d.outcome = 'edited') as edited, count(*) filter (where d.outcome = 'dropped') as dropped,
       (array_agg(left(d.text, 120) order by d.made_at desc) filter (where d.outcome = ''))[:5] as open
from channel_settings as s
left join answer_drafts as d on d.tenant = s.tenant and starts_with(d.conversation, s.place || ':')
  and d.made_at >= s.changed_at
where s.tenant = %(tenant)s and s.place = %(place)s and s.key = 'mode' and s.value #>> '{}' = 'answers'
  and abs(extract(epoch from s.changed_at) - %(at)s) < 0.001 and s.changed_by <> ''
group by s.tenant, s.place, s.changed_by;
