-- name: events
-- So many events.
insert into events (tenant, id, type, conversation, actor, audience, body, recorded_at)
select 'acme', 'github:e' || n, 'github.issues.opened', 'github:acme/shop#' || n / 5,
       'person' || n %% 200, 'repo:acme/shop',
       json_build_object('actor', json_build_array(n %% 200, 'person' || n %% 200, false, 'member'), 'text', 'words ' || n,
                         'url', 'https://github.com/acme/shop/issues/' || n / 5, 'audience', 'repo:acme/shop'),
       now() - make_interval(mins => n)
from generate_series(1, %(runs)s) as n;

-- name: runs
-- So many runs.
insert into runs (tenant, id, event_id, flow, state, reason, gave_up, started_at, finished_at)
select 'acme', substr(md5(n::text), 1, 20), 'github:e' || n, (array['triage', 'review', 'chat', 'plan'])[n %% 4 + 1],
       case when n %% 50 = 0 then 'failed' else 'done' end, case when n %% 50 = 0 then 'the model did not answer' else '' end,
       n %% 500 = 0, now() - make_interval(mins => n), now() - make_interval(mins => n) + interval '3 seconds'
from generate_series(1, %(runs)s) as n;

-- name: steps
-- So many steps.
insert into steps (tenant, run_id, key, name, input_hash, occurrence, attempt, input, output, model, input_tokens,
                   output_tokens, cost, started_at, duration_ms)
select 'acme', substr(md5(n::text), 1, 20), 'k' || s, case s when 1 then 'ask' when 2 then 'recall' else 'read' end, 'h', s, 1,
       '{"query": "some words"}', '[]', case when s = 1 then 'openai:gpt-5' else '' end, 900, 100,
       case when s = 1 then 0.002 end, now() - make_interval(mins => n), 20
from generate_series(1, %(runs)s) as n, generate_series(1, 10) as s;

-- name: effects
-- So many effects.
insert into effects (tenant, key, run_id, flow, tool, target, slot, arguments, state, receipt, dispatched_at, settled_at)
select 'acme', 'f' || n, substr(md5(n::text), 1, 20), 'triage', 'Comment', 'acme/shop#' || n / 5, 's', '{"body": "words"}',
       'committed', '{"id": "1", "url": ""}', now() - make_interval(mins => n), now() - make_interval(mins => n)
from generate_series(1, %(runs)s) as n;

-- name: plans
-- So many plans.
insert into plans (tenant, id, event_id, flow, goal, state, created_at)
select 'acme', substr(md5(n::text), 1, 20), 'github:e' || n, 'plan', 'a goal', 'done', now() - make_interval(mins => n)
from generate_series(1, %(runs)s / 20) as n;

-- name: findings
-- So many findings.
insert into findings (tenant, id, repository, number, head, run_id, path, line, severity, category, claim, shape, found_at)
select 'acme', 'f-' || n, 'acme/shop', n, 'h', substr(md5(n::text), 1, 20), 'a.py', 1, 'low', 'bug', 'a claim', 's',
       now() - make_interval(mins => n)
from generate_series(1, %(runs)s / 4) as n;
