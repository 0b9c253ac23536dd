-- name: done
-- Did another run of the flow act on what was opened, for one of these types of events?
select exists (
  select from effects
  join runs on runs.tenant = effects.tenant and runs.id = effects.run_id
  join events on events.tenant = runs.tenant and events.id = runs.event_id
  where effects.tenant = %(tenant)s and lower(effects.target) = lower(%(target)s) and effects.flow = %(flow)s
    and effects.tool <> 'RemoveLabels' and effects.run_id <> %(run)s
    and runs.state = 'done' and events.type = any(%(types)s::text[])) as is_done;
