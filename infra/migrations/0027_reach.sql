-- What each write of a plan reached (shared/planning/reach.py), as digests: no version writes there more often than the
-- first one does, unless a person consents. Empty when it surely was not written.

alter table plan_writes add column reach text[] not null default '{}';
