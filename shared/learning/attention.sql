-- name: spend
-- Spend as much of the attention of people as the day leaves to each of them.
select spend_attention_of_all(
  %(tenant)s, %(people)s::text[], %(day)s, %(run)s, %(urgent)s, %(others)s, %(budget)s) as granted;
