-- name: keep
-- Keep what somebody is in a tenant until their session is over, and drop what is over.
with gone as (delete from console_sessions where tenant = %(tenant)s and expires_at < now())
insert into console_sessions (tenant, id, account, login, role, audiences, expires_at)
values (%(tenant)s, %(session)s, %(account)s, %(login)s, %(role)s, %(audiences)s, to_timestamp(%(ends)s))
on conflict do nothing;

-- name: read
-- What the person of a session is in a tenant.
select login, role, audiences from console_sessions
where tenant = %(tenant)s and id = %(session)s and expires_at > to_timestamp(%(now)s);

-- name: end
-- End a session.
delete from console_sessions where tenant = %(tenant)s and id = %(session)s;
