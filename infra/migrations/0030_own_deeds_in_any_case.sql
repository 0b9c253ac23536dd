-- A repository may be named in any case by people and settings; its events name it in one.
drop index effects_by_place;
create index effects_by_place on effects (tenant, lower(target));
