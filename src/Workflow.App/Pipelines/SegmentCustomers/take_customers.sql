-- In an order of their own, whatever order they came in: sums, and so models, depend on it.
create table customers as
select * from checked
where is_active and rule is null
order by try_cast(user_id as bigint) nulls last, user_id
