-- Whose words a memory holds: also the agent's own, made of trusted texts (`own`) or of what outsiders said too
-- (`own_outside`). Ours is the only check on `trust`, but its name is Postgres's.
do $$
declare
  old name;
begin
  for old in
    select conname from pg_constraint
    where conrelid = 'memories'::regclass and contype = 'c' and pg_get_constraintdef(oid) like '%trust%'
  loop
    execute format('alter table memories drop constraint %I', old);
  end loop;
end $$;
alter table memories add constraint memories_trust
  check (trust in ('inside', 'outside', 'own', 'own_outside'));

-- A summary has the lowest trust of the turns that it tells. What is not known was said by outsiders.
alter table conversation_summaries add column trust text not null default 'outside'
  check (trust in ('inside', 'outside', 'own', 'own_outside'));
