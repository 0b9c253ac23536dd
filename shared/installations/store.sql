-- name: save
-- Keep an installation over the one before.
insert into slack_installations as held
  (tenant, place, app_id, name, bot_user, scopes, installed_by, key_id, token, refresh_token, expires_at)
values (%(tenant)s, %(place)s, %(app_id)s, %(name)s, %(bot_user)s, %(scopes)s, %(installed_by)s, %(key_id)s, %(token)s,
        %(refresh_token)s, to_timestamp(%(expires_at)s::float8))
on conflict (tenant, place) do update
set app_id = excluded.app_id, name = excluded.name, bot_user = excluded.bot_user, scopes = excluded.scopes,
    installed_by = excluded.installed_by, key_id = excluded.key_id, token = excluded.token, org = '', org_tenant = '',
    refresh_token = excluded.refresh_token, expires_at = excluded.expires_at, rotating_until = null,
    installed_at = now(),
    version = held.version + (held.token is distinct from excluded.token)::int;

-- name: follow
-- Go on in the tenant of the organisation that installed the app for this workspace, if one did.
select set_config('app.tenant', org_tenant, true), set_config('app.place', org, true)
from slack_installations where tenant = %(tenant)s and place = %(place)s and org <> '';

-- name: find
-- Read the installation of a place, or that of the organisation that was followed to.
select tenant, place, app_id, scopes, bot_user, key_id, token, refresh_token, extract(epoch from expires_at) as expires_at,
       version
from slack_installations
where token is not null and place = coalesce(nullif(current_setting('app.place', true), ''), %(place)s);

-- name: turn
-- Go on in the tenant of a workspace.
select set_config('app.tenant', %(tenant)s, true);

-- name: note
-- Remember which organisation installed the app for a workspace.
insert into slack_installations (tenant, place, org, org_tenant)
select %(tenant)s, %(place)s, %(org)s, %(org_tenant)s
where not exists (
  select from slack_installations where tenant = %(tenant)s and place = %(place)s and org = %(org)s
)
on conflict (tenant, place) do update
set org = excluded.org, org_tenant = excluded.org_tenant, token = null, refresh_token = null;

-- name: find_only
-- Read the installation of a tenant that has one.
select tenant, place, app_id, scopes, bot_user, key_id, token, refresh_token, extract(epoch from expires_at) as expires_at,
       version
from slack_installations where tenant = %(tenant)s and token is not null limit 2;

-- name: lease
-- Let one of all functions get the next token.
update slack_installations set holder = %(holder)s, rotating_until = now() + make_interval(secs => %(seconds)s)
where tenant = %(tenant)s and place = %(place)s and version = %(version)s and token is not null
  and (rotating_until is null or rotating_until < now() or holder = %(holder)s)
returning version;

-- name: rotated
-- Keep the next token.
update slack_installations
set key_id = %(key_id)s, token = %(token)s, refresh_token = %(refresh_token)s, version = %(version)s + 1,
    expires_at = to_timestamp(%(expires_at)s::float8), rotating_until = null
where tenant = %(tenant)s and place = %(place)s and version = %(version)s
returning version;
