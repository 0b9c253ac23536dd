-- Memory follows what becomes of its sources: places that are renamed, made private or gone, texts that are edited.

-- Under which names a tenant knows each repository of GitHub, whose number stays when its name changes.
create table repository_names (
  tenant text not null,
  place  text not null,
  number bigint not null,
  primary key (tenant, place)
);
create index repository_names_by_number on repository_names (tenant, number);

-- What became of a place, or of the text at an address: '' is gone. What was said there before `at`, in seconds since the
-- epoch, and is kept only afterwards, follows too: see follow_place. Rows live as long as events.
create table place_changes (
  tenant   text not null,
  place    text not null,
  became   text not null,
  audience text not null default '',
  at       double precision not null,
  noted_at timestamptz not null default now(),
  primary key (tenant, place)
);

grant select, insert, update, delete on repository_names, place_changes to agent_flows;
do $$
declare
  one text;
begin
  foreach one in array array['repository_names', 'place_changes'] loop
    execute format('alter table %I enable row level security', one);
    execute format('alter table %I force row level security', one);
    execute format(
      'create policy tenant on %I using (tenant = nullif(current_setting(''app.tenant'', true), ''''))', one);
    execute format('create policy all_tenants on %I to agent_flows_definer using (true)', one);
  end loop;
end $$;

-- `place`, or what it is called now that `region`, in which it may lie, is called `target`.
create function moved(place text, region text, target text) returns text language sql immutable as $$
  select case when lies_in(place, region) then target || substr(place, length(region) + 1) else place end
$$;

-- The path of an address, without its first slash.
create function url_path(url text) returns text language sql immutable as $$
  select coalesce(substring(url from '^https?://[^/]+/(.*)$'), '')
$$;

create function moved_url(url text, region text, target text) returns text language sql immutable as $$
  select case when lies_in(url_path(url), region)
    then left(url, length(url) - length(url_path(url))) || moved(url_path(url), region, target) else url end
$$;

-- The places, and the address, that something at `source` and `url` belongs to, as place_changes names them: the source,
-- its owner or workspace, and its issue. Without patterns, since it is asked for each memory that is kept.
create function places_of(source text, url text) returns text[] language sql immutable as $$
  select array[
    lower(source), lower(split_part(source, ':', 1) || ':' || split_part(split_part(source, ':', 2), '/', 1)), lower(url),
    case when split_part(url, '/', 6) in ('issues', 'pull', 'discussions')
      then lower('github:' || split_part(url, '/', 4) || '/' || split_part(url, '/', 5) || '#'
                 || split_part(split_part(url, '/', 7), '#', 1)) else '' end]
$$;

-- Lets a memory or a turn that is kept late follow what became of its place after it was said.
create function follow_place() returns trigger language plpgsql as $$
declare
  change place_changes;
  said double precision;
begin
  if not exists (select from place_changes where tenant = new.tenant) or not exists (
    select from place_changes where tenant = new.tenant and place = any (places_of(new.source, new.url))) then
    return new;
  end if;
  said := (select substring(body::text from '"received_at":([0-9]+(?:[.][0-9]+)?)')::double precision
           from events where tenant = new.tenant and id = new.event_id);
  for step in 1 .. 10 loop
    select * into change from place_changes
    where tenant = new.tenant and place = any (places_of(new.source, new.url)) and at > said order by at limit 1;
    exit when not found;
    if change.became = '' then
      return null;
    end if;
    new.source := moved(new.source, change.place, change.became);
    new.url := moved_url(new.url, split_part(change.place, ':', 2), split_part(change.became, ':', 2));
    if tg_table_name = 'turns' then
      new.conversation := moved(new.conversation, change.place, change.became);
    else
      new.ref := moved(moved(new.ref, change.place, change.became),
                       split_part(change.place, ':', 2), split_part(change.became, ':', 2));
    end if;
    new.audience := moved(new.audience, 'repo:' || split_part(change.place, ':', 2),
                          'repo:' || split_part(change.became, ':', 2));
    if change.audience <> '' and new.audience = 'public' then
      new.audience := change.audience;
    end if;
    said := change.at;
  end loop;
  return new;
end $$;
create trigger follow_place before insert on memories for each row execute function follow_place();
create trigger follow_place before insert on turns for each row execute function follow_place();

-- As before, and by `told`: what was told at an address, or anywhere in an issue. The names are the place, the ref of the
-- issue or '', and the address or ''.
create or replace function memory_matches(m memories, by text, names text[], patterns text[]) returns boolean
language sql stable as $$
  select case by
    when 'text' then cardinality(patterns) > 0 and strpos(lower(m.text), names[1]) > 0 and lower(m.text) ~ all (patterns)
    when 'ref' then m.ref_key >= lower(names[1]) and m.ref_key < lower(names[1]) || ';' and lies_in(m.ref, names[1])
    when 'author' then m.author = any (names)
    when 'source' then
      m.source_key >= lower(names[1]) and m.source_key < lower(names[1]) || ';' and lies_in(m.source, names[1])
    when 'id' then
      m.id >= rpad(left(replace(names[1], '-', ''), 32), 32, '0')::uuid
      and m.id <= rpad(left(replace(names[1], '-', ''), 32), 32, 'f')::uuid and starts_with(m.id::text, names[1])
    when 'told' then
      m.source_key >= lower(names[1]) and m.source_key < lower(names[1]) || ';' and lies_in(m.source, names[1])
      and (m.url = nullif(names[3], '')
           or (names[2] <> '' and (lies_in(m.ref, names[2]) or lies_in(m.ref, 'github:' || names[2])
                                   or lower('github:' || names[2]) = any (places_of(m.source, m.url)))))
    else false
  end
$$;
