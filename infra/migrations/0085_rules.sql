-- Rules in words, which people's corrections become; answers after which nobody said more; and what people said of answers
-- as signals.

-- step: rules
create table rules (
  tenant     text not null,
  id         text not null,
  -- What it is about: findings of reviews, or how answers are said.
  purpose    text not null check (purpose in ('review', 'tone')),
  -- How far it reaches: lines by their `shape`, a file, a repository or channel, an organisation or workspace, a person.
  scope      text not null check (scope in ('lines', 'file', 'repository', 'organisation', 'person')),
  place      text not null,
  path       text not null default '',
  shape      text not null default '',
  person     text not null default '',
  category   text not null default '',
  -- The claim that people refused.
  about      text not null default '',
  words      text not null,
  state      text not null default 'candidate' check (state in ('candidate', 'active', 'disabled')),
  decided_by text not null default '',
  decided_at timestamptz,
  made_at    timestamptz not null default now(),
  primary key (tenant, id)
);
create index rules_by_place on rules (tenant, place);
-- Who said so, once for each thing that they said it of.
create table rule_evidence (
  tenant text not null,
  rule   text not null,
  key    text not null,
  actor  text not null,
  words  text not null default '',
  at     timestamptz not null,
  primary key (tenant, rule, key),
  foreign key (tenant, rule) references rules on delete cascade
);
create index rule_evidence_by_actor on rule_evidence (tenant, actor);
-- The runs that heeded a rule: what people make of these tells whether it is a good one.
create table rule_uses (
  tenant text not null,
  rule   text not null,
  run_id text not null,
  primary key (tenant, rule, run_id),
  foreign key (tenant, rule) references rules on delete cascade,
  foreign key (tenant, run_id) references runs on delete cascade
);
create index rule_uses_by_run on rule_uses (tenant, run_id);
do $$
declare
  one text;
begin
  foreach one in array array['rules', 'rule_evidence', 'rule_uses'] loop
    execute format('grant select, insert, update, delete on %I to agent_flows', one);
    execute format('alter table %I enable row level security', one);
    execute format('alter table %I force row level security', one);
    execute format(
      'create policy tenant on %I using (tenant = nullif(current_setting(''app.tenant'', true), ''''))', one);
    execute format('create policy all_tenants on %I to agent_flows_definer using (true)', one);
  end loop;
end $$;

-- The rules that are heeded in a place, for a person: those that somebody accepted, or three said independently, as far as
-- what people made of the runs that heeded them does not speak against it.
create function rules_in_force(of_tenant text, of_place text, of_purpose text, of_person text) returns setof rules
language sql stable as $$
  select r.* from rules as r
  where r.tenant = of_tenant and r.purpose = of_purpose and r.state <> 'disabled'
    and (r.place = of_place or r.scope = 'organisation' and starts_with(lower(of_place), lower(r.place) || case when starts_with(r.place, 'github:') then '/' else ':' end))
    and (r.scope <> 'person' or r.person = of_person)
    and (r.state = 'active' or 3 <= (
      select count(distinct e.actor) from rule_evidence as e where (e.tenant, e.rule) = (r.tenant, r.id)))
    and -3 < (
      select coalesce(sum(s.value * s.weight), 0)
      from rule_uses as u join signals as s on (s.tenant, s.run_id) = (u.tenant, u.run_id)
      where (u.tenant, u.rule) = (r.tenant, r.id) and s.at > coalesce(r.decided_at, r.made_at))
  order by r.made_at desc, r.id limit 30
$$;

-- Keeps for every tenant, once, that nobody said more for a day after an answer, and counts these.
create function close_quiet_answers() returns bigint
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  with quiet as (
    select f.tenant, f.key, f.run_id, f.flow, f.settled_at
    from effects as f
    join runs as r on (r.tenant, r.id) = (f.tenant, f.run_id)
    join events as e on (e.tenant, e.id) = (r.tenant, r.event_id)
    where f.tool = 'Reply' and f.state = 'committed' and f.undone_by = ''
      and f.settled_at between now() - interval '4 days' and now() - interval '1 day'
      and not exists (
        select from turns as t where t.tenant = f.tenant and t.conversation = e.conversation and t.role = 'user'
          and t.created_at > f.settled_at and t.created_at < f.settled_at + interval '1 day')
      and not exists (select from signals as s where s.tenant = f.tenant and s.run_id = f.run_id and s.weight > 0)
      and exists (
        select from turns as t where t.tenant = f.tenant and t.conversation = e.conversation and t.role = 'assistant')
  ),
  kept as (
    insert into signals (tenant, key, run_id, effect, flow, kind, value, weight, at)
    select tenant, 'quiet ' || key, run_id, key, flow, 'quiet', 0.25, 0.5, settled_at + interval '1 day' from quiet
    on conflict do nothing returning 1
  )
  select count(*) from kept
$$;
grant create on schema public to agent_flows_definer;
alter function close_quiet_answers() owner to agent_flows_definer;
revoke create on schema public from agent_flows_definer;
revoke execute on function close_quiet_answers() from public;
grant execute on function close_quiet_answers() to agent_flows_operator;
grant select on effects, signals to agent_flows_definer;
grant insert on signals to agent_flows_definer;
grant select (conversation) on turns to agent_flows_definer;

-- step: copy, in batches
with batch as (
  select * from feedback where tenant || effect || actor > coalesce(%(after)s, '')
  order by tenant || effect || actor limit 500
),
kept as (
  insert into signals (tenant, key, run_id, effect, flow, kind, value, actor, weight, cause, words, at)
  select tenant, 'feedback ' || effect || ' ' || actor, run_id, effect, flow,
         case verdict when 'good' then 'liked' else 'disliked' end, case verdict when 'good' then 1 else -1 end,
         actor, 1, kind, reason, noted_at
  from batch on conflict do nothing
)
select max(tenant || effect || actor) from batch;
