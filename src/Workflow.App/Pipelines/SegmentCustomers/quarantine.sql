-- A row of a table has no line: its user_id is what it is found by.
select refusal.rule as rule, refusal.reason as reason, source, user_id, age, gender, is_active, total_spend, last_purchase_date, product_category
from checked
where refusal is not null
order by try_cast(user_id as bigint) nulls last, user_id, refusal.rule
