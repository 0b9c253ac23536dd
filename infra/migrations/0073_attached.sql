-- The files that came with a turn: what they said, and by what they are found again. Follow-ups are shown them. They go,
-- move and are narrowed with the turn.

alter table turns add column attached jsonb not null default '[]';
