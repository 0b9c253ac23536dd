-- name: want
-- Put a request into the queue, once per run.
insert into batch_requests (tenant, run_id, id, model, request, deadline)
values (%(tenant)s, %(run)s, %(id)s, %(model)s, %(request)s, now() + make_interval(secs => %(deadline)s))
on conflict do nothing;

-- name: read
-- How a request of the run stands.
select state, reply, cost, shared, reason from batch_requests
where tenant = %(tenant)s and run_id = %(run)s and id = %(id)s;

-- name: rest
-- Let the run rest until a moment: a request that no batch takes, and that is given up then.
insert into batch_requests (tenant, run_id, id, model, request, deadline, due_at)
values (%(tenant)s, %(run)s, %(id)s, '', '{}', to_timestamp(%(until)s) + make_interval(secs => %(margin)s), 'infinity')
on conflict do nothing;

-- name: give_up
-- Fail what no batch can answer in time any more.
select give_up_batch_requests(make_interval(secs => %(margin)s)) as requests;

-- name: queued
-- The models that requests wait for.
select model from models_queued();

-- name: name_batch
-- Put what is queued for a model into a new batch.
select name_batch(%(batch)s, %(model)s, %(owner)s, make_interval(secs => %(lease)s),
                  %(least)s, %(most)s, %(bytes)s) as requests;

-- name: split
-- Move requests of a batch into a new one.
select split_batch(%(batch)s, %(owner)s, %(into)s, %(ids)s::text[], make_interval(secs => %(lease)s)) as requests;

-- name: items
-- What a batch carries.
select id, request from batch_items(%(batch)s);

-- name: refuse
-- Fail what is queued for a model that cannot have batches.
select refuse_batch_requests(%(model)s, %(reason)s) as requests;

-- name: hold
-- Take the lease of every batch that nobody else holds.
select name, model, handle, since, waiting, other from hold_batches(%(owner)s, make_interval(secs => %(lease)s));

-- name: free
-- Give the lease of a batch back.
select free_batch(%(batch)s, %(owner)s);

-- name: record
-- Keep what the provider calls the batch.
select record_batch(%(batch)s, %(owner)s, %(handle)s) as kept;

-- name: settle_requests
-- Store results of a batch.
select settle_batch_requests(
  %(batch)s, %(ids)s::text[], %(replies)s::json[], %(costs)s::float8[], %(reasons)s::text[], %(retries)s::boolean[],
  %(attempts)s, make_interval(secs => %(margin)s), make_interval(secs => %(pause)s));

-- name: settle
-- End a batch; what it has not answered is queued again or fails.
select settle_batch(%(batch)s, %(reason)s, %(retry)s,
                    %(attempts)s, make_interval(secs => %(margin)s), make_interval(secs => %(pause)s));

-- name: to_wake
-- The parked runs whose requests are all settled.
select tenant, run_id, attempts, event from runs_to_wake(%(most)s);

-- name: woke
-- The run was woken.
select woke_run(%(tenant)s, %(run)s);

-- name: next_look
-- The seconds until something of the batches is worth a look; none when nothing waits.
select next_batch_look(make_interval(secs => %(margin)s)) as seconds;
