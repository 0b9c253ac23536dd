-- name: load
-- How long the answers to a template were: how many of each size.
select size, answers from output_sizes
where tenant = %(tenant)s and template = %(template)s and model = %(model)s;

-- name: count
-- Count answers of one size. Counting some twice after a lost connection moves no percentile that matters.
insert into output_sizes (tenant, template, model, size, answers)
values (%(tenant)s, %(template)s, %(model)s, %(size)s, %(answers)s)
on conflict (tenant, template, model, size) do update
set answers = output_sizes.answers + excluded.answers, updated_at = now();
