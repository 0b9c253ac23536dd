-- name: tenants
-- Who spent something within so many days.
select distinct tenant from budget_days
where day > (now() at time zone 'utc')::date - %(days)s order by tenant;
