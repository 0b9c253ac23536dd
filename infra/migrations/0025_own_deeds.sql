-- What we did at a place: the worker looks there before an event without a text of ours causes a run.
create index effects_by_place on effects (tenant, target);
