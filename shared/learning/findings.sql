-- name: reviewed
-- The commit of a pull request that was reviewed last, its base, and the rounds until then.
select base, head, rounds from reviewed_commits
where tenant = %(tenant)s and lower(repository) = lower(%(repository)s) and number = %(number)s;

-- name: review
-- Note which commit was reviewed, and what came of it. Twenty rounds are kept.
insert into reviewed_commits (tenant, repository, number, base, head, run_id, rounds)
values (%(tenant)s, %(repository)s, %(number)s, %(base)s, %(head)s, %(run)s, jsonb_build_array(jsonb_build_object(
  'run', %(run)s::text, 'head', %(head)s::text, 'posted', %(posted)s::int, 'held', %(held)s::int,
  'at', to_char(now() at time zone 'utc', 'YYYY-MM-DD HH24:MI'))))
on conflict (tenant, repository, number) do update
set base = excluded.base, head = excluded.head, run_id = excluded.run_id, reviewed_at = now(),
    rounds = case when jsonb_array_length(reviewed_commits.rounds) < 20 then reviewed_commits.rounds
                  else reviewed_commits.rounds - 0 end || excluded.rounds;

-- name: keep
-- Keep findings. One that is told again, since it was held, mended or dismissed before, is told by another comment; of those
-- with one id the posted one counts.
insert into findings (tenant, id, repository, number, head, run_id, path, line, severity, category, claim, shape, state, comment)
select distinct on (one.id) %(tenant)s, one.id, %(repository)s, %(number)s, one.head, %(run)s, one.path, one.line, one.severity,
       one.category, one.claim, one.shape, one.state, one.comment
from jsonb_to_recordset(%(rows)s::jsonb) as one (id text, head text, path text, line int, severity text, category text,
       claim text, shape text, state text, comment bigint)
order by one.id, one.state = 'posted' desc, one.line
on conflict (tenant, id) do update
set state = excluded.state, comment = excluded.comment, head = excluded.head, run_id = excluded.run_id, line = excluded.line
where findings.state <> 'posted' and (excluded.state = 'posted' or findings.state = 'fixed');

-- name: known
-- What was found before in a pull request; and what was dismissed or withdrawn in the repository: the newest in the files
-- of the change, and the newest of all.
with refused as materialized (
  select id, path = any(%(paths)s::text[]) as is_near, decided_at from findings
  where tenant = %(tenant)s and lower(repository) = lower(%(repository)s) and state in ('dismissed', 'withdrawn')
), ranked as (
  select id, row_number() over (partition by is_near order by decided_at desc nulls last, id) as place from refused
)
select id, number, path, line, severity, category, claim, shape, state, comment, reason, decided_by, dismissals, run_id,
       embedder
from findings
where tenant = %(tenant)s and lower(repository) = lower(%(repository)s)
  and (number = %(number)s or id in (select id from ranked where place <= %(most)s))
order by found_at, id;

-- name: decide
-- Note what people made of a finding. The last word counts.
update findings
set dismissals = dismissals + (%(state)s = 'dismissed' and state <> 'dismissed')::int, state = %(state)s, reason = %(reason)s, decided_by = %(by)s, decided_at = now()
where tenant = %(tenant)s and id = %(id)s;

-- name: of_comments
-- The findings that these comments tell.
select id, number, path, line, severity, category, claim, shape, state, comment, reason, decided_by, dismissals, run_id
from findings
where tenant = %(tenant)s and lower(repository) = lower(%(repository)s) and comment = any(%(comments)s::bigint[]);

-- name: of_pull_request
-- The findings of a pull request, told on their lines or in the summary, that nobody decided about.
select id, number, path, line, severity, category, claim, shape, state, comment, reason, decided_by, dismissals, run_id
from findings
where tenant = %(tenant)s and lower(repository) = lower(%(repository)s) and number = %(number)s
  and state in ('posted', 'held')
order by found_at, id;

-- name: refused
-- What was dismissed or withdrawn in a repository, the newest first, with the day.
select id, number, path, line, severity, category, claim, shape, state, comment, reason, decided_by, dismissals,
       to_char(decided_at at time zone 'utc', 'YYYY-MM-DD') as day, count(*) over () as total
from findings
where tenant = %(tenant)s and lower(repository) = lower(%(repository)s) and state in ('dismissed', 'withdrawn')
order by decided_at desc, id
limit %(most)s;

-- name: decided
-- What people made of the findings in these files, the last word first.
select id, number, path, line, severity, category, claim, shape, state, comment, reason, decided_by, dismissals
from findings
where tenant = %(tenant)s and lower(repository) = lower(%(repository)s)
  and state in ('dismissed', 'withdrawn', 'fixed') and path = any(%(paths)s::text[])
order by decided_at desc nulls last, id
limit %(most)s;
