-- Every user with what the CRM knows of them, of both tables at one moment. Dates are kept within what a date can be elsewhere.
select
    u.user_id::text,
    u.age::double precision,
    u.gender::text,
    u.is_active::boolean,
    c.user_id is not null,
    c.total_spend::double precision,
    case when c.last_purchase_date is not null then least(greatest(c.last_purchase_date::date, date '0001-01-01'), date '9999-12-31') end,
    c.product_category::text
from {0} u
left join {1} c on c.user_id::text = u.user_id::text
