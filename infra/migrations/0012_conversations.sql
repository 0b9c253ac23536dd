-- Where each turn was said, the summary of what a conversation's window leaves out, and which turns wait for a look.

alter table turns
  add column url text not null default '',
  -- Who may see it; '' is not known, and nothing is learned from such a turn.
  add column audience text not null default '',
  add column source text not null default '',
  add column trust text not null default 'outside' check (trust in ('inside', 'outside')),
  -- The flow whose facts it makes; '' is shared by all.
  add column flow text not null default '',
  -- When it was looked at for facts; set in the transaction that keeps them.
  add column looked_at timestamptz;
create index turns_pending on turns (tenant, seq) where role = 'user' and looked_at is null and audience <> '';
create index turns_by_source on turns (tenant, source);

-- What the turns of a conversation up to `up_to_seq` come to. It is written once and replaced by a longer one.
create table conversation_summaries (
  tenant        text not null,
  conversation  text not null,
  up_to_seq     bigint not null,
  text          text not null,
  summarised_at timestamptz not null default now(),
  primary key (tenant, conversation, up_to_seq)
);

-- Which conversation is being looked at for facts, by whom and until when. A row that stays is of a worker that died.
create table fact_leases (
  tenant       text not null,
  conversation text not null,
  owner        text not null,
  until        timestamptz not null,
  attempts     int not null default 1,
  primary key (tenant, conversation)
);

grant select, insert, update, delete on conversation_summaries, fact_leases to agent_flows;
alter table conversation_summaries enable row level security;
alter table conversation_summaries force row level security;
alter table fact_leases enable row level security;
alter table fact_leases force row level security;
create policy tenant on conversation_summaries using (tenant = nullif(current_setting('app.tenant', true), ''));
create policy tenant on fact_leases using (tenant = nullif(current_setting('app.tenant', true), ''));

-- A turn that is deleted takes the summaries that may tell of it along: what is forgotten is forgotten there too.
create function forget_summaries() returns trigger language plpgsql as $$
begin
  delete from conversation_summaries s using gone g
  where (s.tenant, s.conversation) = (g.tenant, g.conversation) and s.up_to_seq >= g.seq;
  return null;
end $$;
create trigger forget_summaries after delete on turns
  referencing old table as gone for each statement execute function forget_summaries();

-- Aborts the transaction of a worker that lost its lease of a conversation, so that no fact is kept twice; also when
-- one of the turns `seqs` was deleted meanwhile, so that nothing is learned of what somebody asked to forget.
create function hold_facts(of_tenant text, of_conversation text, of_owner text, seqs bigint[]) returns void
language plpgsql as $$
begin
  perform from fact_leases
    where tenant = of_tenant and conversation = of_conversation and owner = of_owner for update;
  if not found then
    raise exception 'the facts of a conversation are held by another function' using errcode = 'AF001';
  end if;
  if cardinality(seqs) > (select count(*) from (
      select from turns where tenant = of_tenant and conversation = of_conversation and seq = any(seqs) for share
    ) as there) then
    raise exception 'a turn was deleted while it was looked at' using errcode = 'AF001';
  end if;
end $$;

-- The tenants with turns of at least a minute ago that nobody has looked at. It runs as its owner, which row level
-- security binds too where that is no superuser: so the owner may see what is pending, and nothing else.
create policy pending_facts on turns for select to current_user
  using (role = 'user' and looked_at is null and audience <> '');
create function pending_facts() returns setof text
language sql security definer set search_path = public, pg_temp as $$
  select distinct tenant from turns
  where role = 'user' and looked_at is null and audience <> '' and created_at < now() - interval '1 minute'
$$;
revoke execute on function pending_facts() from public;
grant execute on function pending_facts() to agent_flows;
