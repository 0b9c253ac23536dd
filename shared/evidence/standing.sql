-- name: memories
-- Read which of these memories still hold, what they say, and who may see them.
select id::text as id, digest, audience from memories
where tenant = %(tenant)s and id = any(%(ids)s::uuid[]) and valid_until is null;

-- name: turns
-- Read what people have said in a conversation.
select text from turns where tenant = %(tenant)s and conversation = %(conversation)s;
