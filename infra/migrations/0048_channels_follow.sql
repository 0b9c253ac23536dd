-- Memory follows a channel of Slack too: one that becomes private, or gets another id. What only its workspace read is shown
-- to its own readers then, as what was public in a repository that becomes private.

-- Is an audience wider than the readers of `place`, once that is private?
create function is_wider(audience text, place text) returns boolean language sql immutable as $$
  select audience = 'public' or (starts_with(lower(place), 'slack:') and starts_with(audience, 'team:'))
$$;

-- As in 0031_following.sql; of a channel `region` is `T1:C1`, and the address names both.
create or replace function moved_url(url text, region text, target text) returns text language sql immutable as $$
  select case
    when lies_in(url_path(url), region)
      then left(url, length(url) - length(url_path(url))) || moved(url_path(url), region, target)
    when strpos(region, ':') > 0 and starts_with(
        lower(url) || '&', 'https://slack.com/app_redirect?team=' || replace(lower(region), ':', '&channel=') || '&')
      then 'https://slack.com/app_redirect?team=' || replace(target, ':', '&channel=')
           || substr(url, length('https://slack.com/app_redirect?team=' || replace(region, ':', '&channel=')) + 1)
    else url end
$$;

-- The name that an audience has when the place of its readers is called another.
create function moved_audience(audience text, place text, became text) returns text language sql immutable as $$
  select case split_part(place, ':', 1)
    when 'slack' then moved(audience, 'channel:' || split_part(place, ':', 3), 'channel:' || split_part(became, ':', 3))
    else moved(moved(audience, 'repo:' || split_part(place, ':', 2), 'repo:' || split_part(became, ':', 2)),
               'org:' || split_part(place, ':', 2), 'org:' || split_part(became, ':', 2))
  end
$$;

create or replace function follow_place() returns trigger language plpgsql as $$
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
    new.url := moved_url(new.url, substr(change.place, strpos(change.place, ':') + 1),
                         substr(change.became, strpos(change.became, ':') + 1));
    if tg_table_name = 'turns' then
      new.conversation := moved(new.conversation, change.place, change.became);
    else
      new.ref := moved(moved(new.ref, change.place, change.became),
                       split_part(change.place, ':', 2), split_part(change.became, ':', 2));
    end if;
    new.audience := moved_audience(new.audience, change.place, change.became);
    if change.audience <> '' and is_wider(new.audience, change.place) then
      new.audience := change.audience;
    end if;
    said := change.at;
  end loop;
  return new;
end $$;
