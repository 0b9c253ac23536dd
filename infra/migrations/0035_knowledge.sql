-- What consolidation changed expires with the journal. A drop stays until nobody can undo it: until then its row says
-- which memories are to be deleted.
create index consolidations_by_age on consolidations (at);
create function expire_consolidations(older_than interval) returns bigint
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  with gone as (
    delete from consolidations
    where at < now() - older_than and (operation <> 'drop' or undone_at is not null or final_at is not null)
    returning 1)
  select count(*) from gone
$$;
grant select, delete on consolidations to agent_flows_definer;
grant create on schema public to agent_flows_definer;
alter function expire_consolidations(interval) owner to agent_flows_definer;
revoke create on schema public from agent_flows_definer;
revoke execute on function expire_consolidations(interval) from public;
grant execute on function expire_consolidations(interval) to agent_flows_operator;

-- What of a version's feedback may be remembered; null where nobody has said so.
alter table plan_versions add column lesson json;

-- Comments are taken as issues are.
alter table memory_files drop constraint memory_files_kind_check;
alter table memory_files add constraint memory_files_kind check (kind in ('document', 'issue', 'comment'));
