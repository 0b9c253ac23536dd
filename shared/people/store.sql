-- name: lock
-- Let one of all browsers link this account in a workspace at a time.
select pg_advisory_xact_lock(hashtextextended('people ' || %(team)s || ' ' || %(github_id)s, 0));

-- name: link
-- Keep whose account it is, unless it is another person's there.
insert into people (tenant, team, slack_user, github_id, github_login)
select %(tenant)s, %(team)s, %(slack_user)s, %(github_id)s, %(github_login)s
where not exists (
  select from people where tenant = %(tenant)s and team = %(team)s and github_id = %(github_id)s
                       and slack_user <> %(slack_user)s)
on conflict (tenant, team, slack_user) do update
set github_id = excluded.github_id, github_login = excluded.github_login, linked_at = now()
returning slack_user;

-- name: of_slack
-- Read the account of a Slack person.
select team, slack_user, github_id, github_login from people
where tenant = %(tenant)s and team = %(team)s and slack_user = %(slack_user)s;

-- name: of_github
-- Read the Slack persons of an account.
select team, slack_user, github_id, github_login from people
where tenant = %(tenant)s and github_id = %(github_id)s order by team, slack_user;

-- name: both
-- Read all names of the people who have one of these, on either side.
select slack_user, github_id, github_login from people
where tenant = %(tenant)s and (slack_user = any (%(names)s) or github_id = any (%(names)s)
                               or lower(github_login) = any (%(lower)s));

-- name: unlink_slack
-- Forget which account a Slack person has.
delete from people where tenant = %(tenant)s and team = %(team)s and slack_user = %(slack_user)s;

-- name: unlink_github
-- Forget whose account it is, in each workspace.
delete from people where tenant = %(tenant)s and github_id = %(github_id)s;
