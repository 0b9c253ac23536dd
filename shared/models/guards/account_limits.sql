-- name: reserve
-- Reserve a call in all buckets or in none, and say how long to wait for its turn.
select granted, wait, because
from reserve_model_call(%(id)s, %(limits)s::jsonb, %(tokens)s, %(usd)s, %(patience)s, %(lifetime)s);

-- name: settle
-- Put what a call really used in the place of what it had reserved.
select settle_model_call(%(id)s, %(tokens)s::float8, %(usd)s::float8);
