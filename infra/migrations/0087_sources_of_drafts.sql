-- What a draft rests on: pairs of a memory's id and the digest of what it said, read again before it is sent.

alter table answer_drafts add column sources jsonb not null default '[]';
