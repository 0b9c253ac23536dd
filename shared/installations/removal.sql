-- name: delete
-- Forget the tokens of a place, unless it was installed again since.
delete from slack_installations
where tenant = %(tenant)s and place = %(place)s and installed_at <= to_timestamp(%(before)s::float8);

-- name: unlink
-- Forget which GitHub accounts the people of a workspace have, with its installation.
delete from people as p
where tenant = %(tenant)s and team = %(place)s
  and not exists (select from slack_installations as i where i.tenant = p.tenant and i.place = p.team);
