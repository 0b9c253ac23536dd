-- name: workspaces
-- Where the Slack app is installed, of every tenant: workspaces and organisations with a token of their own.
select tenant, place, name, scopes, installed_by, installed_at::text as installed_at
from slack_installations where token is not null order by tenant, place;
