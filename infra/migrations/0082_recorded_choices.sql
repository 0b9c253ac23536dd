-- Finds the choices among all steps: what is learnt from.

-- step: index, concurrently
create index concurrently steps_choices on steps (tenant, run_id) where name = 'choice';
