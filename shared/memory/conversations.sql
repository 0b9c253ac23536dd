-- name: append
-- Keep one turn; when the same event speaks again in the same role, its text is replaced and its place kept.
insert into turns (tenant, conversation, role, author, text, event_id)
values (%(tenant)s, %(conversation)s, %(role)s, %(author)s, %(text)s, %(event)s)
on conflict (tenant, conversation, event_id, role) do update
set author = excluded.author, text = excluded.text;

-- name: newest
-- The newest turns of a conversation, oldest first.
select role, author, text from (
  select seq, role, author, text from turns
  where tenant = %(tenant)s and conversation = %(conversation)s
  order by seq desc
  limit %(limit)s
) as newest
order by seq;
