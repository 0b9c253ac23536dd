-- name: mark
-- Say of what people asked whether it found no answer.
update turns set unanswered = %(unanswered)s
where tenant = %(tenant)s and conversation = %(conversation)s and event_id = any(%(events)s::text[]) and role = 'user'
  and unanswered <> %(unanswered)s;

-- name: questions
-- Read the newest questions without an answer.
select text, url, audience from turns
where tenant = %(tenant)s and unanswered and created_at > now() - make_interval(days => %(days)s)
order by created_at desc
limit %(limit)s;
