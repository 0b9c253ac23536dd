-- Which model was chosen in a step, for which role, from where it answered, and how probable the choice was.

alter table steps add column choice json;
