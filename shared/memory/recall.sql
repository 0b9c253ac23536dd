-- name: recall
-- What is nearest in meaning and in words, best first; see infra/migrations/0023_recall_by_size.sql.
select * from recall_memories(
  row(%(tenant)s, %(flow)s, %(audiences)s::text[], %(kinds)s::text[], %(since)s, %(until)s, %(embedder)s,
      %(dimensions)s)::recall_scope,
  %(exclude_ref)s, %(embedding)s::halfvec, %(terms)s::bigint[],
  %(counted)s, %(indexed)s, %(exact_rows)s, %(breadth)s, %(listed)s, %(listed_in_all)s, %(proposed)s,
  %(candidates)s, %(shown)s, %(enough)s,
  %(meaning_weight)s, %(words_weight)s, %(prior_weight)s, %(best_impact)s, %(half_life)s, %(nearly_equal)s
);
