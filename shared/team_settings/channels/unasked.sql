-- name: keep
-- Keep a draft for the person who decides about it.
insert into answer_drafts (tenant, run_id, conversation, thread_ts, person, digest, text, sources)
values (%(tenant)s, %(run)s, %(conversation)s, %(thread)s, %(person)s, %(digest)s, %(text)s, %(sources)s)
on conflict do nothing;

-- name: decide
-- Decide about a draft: once, within a day, by its person, and about what they were shown. Of one that is decided the
-- digest names the run that did, so that its next attempt after a crash decides the same again, and sends it.
update answer_drafts set outcome = %(outcome)s, decided_at = now(), digest = %(run)s
where tenant = %(tenant)s and run_id = %(draft)s and person = %(actor)s
  and starts_with(conversation, %(place)s || ':')
  and ((outcome = '' and digest = %(digest)s and made_at > now() - interval '1 day')
       or (outcome = %(outcome)s and digest = %(run)s))
returning thread_ts, text, sources;

-- name: waiting
-- The draft that its person may still decide about.
select thread_ts, text, sources from answer_drafts
where tenant = %(tenant)s and run_id = %(draft)s and digest = %(digest)s and person = %(actor)s
  and starts_with(conversation, %(place)s || ':') and outcome = '' and made_at > now() - interval '1 day';

-- name: withdraw
-- A draft that this run decided to send, whose sources do not stand any more.
update answer_drafts set outcome = 'dropped'
where tenant = %(tenant)s and run_id = %(draft)s and digest = %(run)s and outcome in ('sent', 'edited');
