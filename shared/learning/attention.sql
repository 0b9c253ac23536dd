-- name: spend
-- Spend as much of a person's attention as the day leaves.
select spend_attention(%(tenant)s, %(person)s, %(day)s, %(run)s, %(urgent)s, %(others)s, %(budget)s) as granted;
