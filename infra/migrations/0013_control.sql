-- Control over the memory: what a request to forget means, and how long each kind of memory is kept.

-- Does `place` lie in `region`? `github:acme/shop#7` lies in `github:acme/shop`, and that in `github:acme`.
create function lies_in(place text, region text) returns boolean language sql immutable as $$
  select region <> '' and (
    lower(place) = lower(region)
    or (starts_with(lower(place), lower(region)) and substr(place, length(region) + 1, 1) in ('/', '#', ':')))
$$;

-- Is the memory one of those that somebody names: by the words of its text, its subject, author, source or id?
create function memory_matches(m memories, by text, names text[], patterns text[]) returns boolean
language sql stable as $$
  select case by
    when 'text' then cardinality(patterns) > 0 and lower(m.text) ~ all (patterns)
    when 'ref' then lies_in(m.ref, names[1])
    when 'author' then m.author = any (names)
    when 'source' then lies_in(m.source, names[1])
    when 'id' then starts_with(m.id::text, names[1])
    else false
  end
$$;

-- What was said in an event: its first key `text`, without escapes. No string can hold a quote that is not escaped,
-- so nothing that people write is taken for a key. (The operator ->> would fail on a body that holds \u0000.)
create function event_text(body json) returns text language sql immutable as $$
  select regexp_replace(substring(body::text from '"text":"((?:[^"\\]|\\.)*)"'), '\\[nrtbf]', ' ', 'g')
$$;

-- Who caused an event: the id and the name.
create function event_actor(body json) returns text[] language sql immutable as $$
  select regexp_match(body::text, '"actor":\["((?:[^"\\]|\\.)*)","((?:[^"\\]|\\.)*)"')
$$;

-- A request that was handed to a batch quotes what a run was shown. It goes when that is forgotten.
grant delete on batch_requests to agent_flows;

-- The owner is bound by row level security too. What it does by night it does for every tenant.
create policy upkeep on memories to current_user using (true);

-- Deletes memories of every tenant that are older than their kind is kept: {"episode": 90} is in days.
create function expire_memories(kept json) returns bigint
language sql security definer set search_path = public, pg_temp as $$
  with gone as (
    delete from memories using json_each_text(kept) as rule
    where kind = rule.key and remembered_at < now() - make_interval(days => rule.value::int)
    returning 1)
  select count(*) from gone
$$;
revoke execute on function expire_memories from public;
grant execute on function expire_memories to agent_flows;
