-- Questions that the agent could not answer, as turns: what forgets, moves and narrows turns holds for them too. They show
-- what the documentation lacks.

-- step: column
alter table turns add column unanswered boolean not null default false;
-- step: index, concurrently
create index concurrently turns_unanswered on turns (tenant, created_at) where unanswered;
