-- In an order of their own, whatever order they came in: sums, and so models, depend on it.
create table customers as
select user_id, years as age, gender, spend as total_spend, last_purchase as last_purchase_date, product_category
from checked
where active and refusal is null
order by try_cast(user_id as bigint) nulls last, user_id
