-- name: rewards
-- The names of the reward functions by which the policies of each flow learn.
select flow, array_agg(distinct name order by name) as rewards
from policies, unnest(rewards) as name where tenant = %(tenant)s group by flow;
