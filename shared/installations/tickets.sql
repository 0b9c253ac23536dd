-- name: issue
-- Keep the digest of a ticket, and drop those that are over.
with over as (delete from sign_ins where tenant = %(tenant)s and expires_at < now())
insert into sign_ins (tenant, digest, purpose, about, expires_at)
values (%(tenant)s, %(digest)s, %(purpose)s, %(about)s, now() + make_interval(secs => %(seconds)s))
on conflict (tenant, digest) do nothing;

-- name: look
-- Read what a ticket is for, and leave it good.
select about from sign_ins
where tenant = %(tenant)s and digest = %(digest)s and purpose = %(purpose)s and expires_at > now();

-- name: take
-- Read what a ticket is for, and let it be good no more.
delete from sign_ins
where tenant = %(tenant)s and digest = %(digest)s and purpose = %(purpose)s
returning about, expires_at > now() as is_good;
