-- Repeats: a signed body that a flow has had is no new event under another id. GitHub signs the body alone, so whoever
-- has a signed delivery could send it again as another.

alter table runs add column digest text not null default '';
create index runs_by_digest on runs (tenant, flow, digest) where digest <> '';

-- Whether the flow began another run for this body within ten minutes. A run that exists goes on.
create function is_repeat(of_tenant text, of_flow text, of_digest text, of_run text) returns boolean
language sql stable as $$
  select of_digest <> ''
    and exists (select from runs where tenant = of_tenant and flow = of_flow and digest = of_digest
                                   and id <> of_run and started_at > now() - interval '10 minutes')
    and not exists (select from runs where tenant = of_tenant and id = of_run)
$$;
