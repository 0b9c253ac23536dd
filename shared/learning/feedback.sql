-- name: note
-- Keep what somebody says of what an effect told, once for each person. A reason stays until they like it.
insert into feedback (tenant, effect, run_id, flow, actor, verdict, kind, reason)
select e.tenant, e.key, e.run_id, e.flow, %(actor)s, %(verdict)s, %(kind)s, %(reason)s from effects as e
where e.tenant = %(tenant)s and e.key = %(effect)s
on conflict (tenant, effect, actor) do update
set verdict = excluded.verdict, noted_at = now(),
    kind = case when excluded.kind <> '' or excluded.verdict = 'good' then excluded.kind else feedback.kind end,
    reason = case when excluded.kind <> '' or excluded.verdict = 'good' then excluded.reason else feedback.reason end
returning run_id as run, flow;

-- name: take_back
-- Forget what somebody said of what an effect told, if they say so no more.
delete from feedback
where tenant = %(tenant)s and effect = %(effect)s and actor = %(actor)s and verdict = %(verdict)s
returning run_id as run, flow;
