-- name: delete
-- Forget the tokens of a place, unless it was installed again since.
delete from slack_installations
where tenant = %(tenant)s and place = %(place)s and installed_at <= to_timestamp(%(before)s::float8);

-- name: workspaces
-- The workspaces that an organisation installed the app for, unless it was installed again since.
select held.place from slack_installations as held
where held.tenant = %(tenant)s and held.org = %(place)s and held.place <> %(place)s
  and not exists (
    select from slack_installations as again
    where again.tenant = %(tenant)s and again.place = %(place)s and again.installed_at > to_timestamp(%(before)s::float8)
  )
order by held.place;

-- name: leave
-- Forget that an organisation installed the app for a workspace.
delete from slack_installations where tenant = %(tenant)s and place = %(place)s and org = %(org)s and token is null;

-- name: own
-- Whether a workspace has an installation of its own.
select count(*) > 0 as is_own from slack_installations
where tenant = %(tenant)s and place = %(place)s and token is not null;

-- name: unlink
-- Forget which GitHub accounts the people of a workspace have, with its installation.
delete from people as p
where tenant = %(tenant)s and team = %(place)s
  and not exists (select from slack_installations as i where i.tenant = p.tenant and i.place = p.team);
