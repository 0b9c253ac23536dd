-- name: had
-- The runs that an event of this id, or this body within ten minutes, had before it was sent; one for each flow.
select distinct on (flow) flow, id, extract(epoch from %(sent)s - started_at)::float8 as ago from runs
where started_at < %(sent)s
  and (event_id = %(event)s
       or (digest = %(digest)s and digest <> '' and started_at > %(sent)s - interval '10 minutes'))
order by flow, started_at desc;
