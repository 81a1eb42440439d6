select rule, source, user_id, age, gender, is_active, total_spend, last_purchase_date, product_category
from checked
where rule is not null
order by try_cast(user_id as bigint) nulls last, user_id, rule
