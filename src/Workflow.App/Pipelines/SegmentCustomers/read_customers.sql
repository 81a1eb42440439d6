-- Every user with what the CRM knows of them, of both tables at one moment, in words that Redshift knows, too: its text has 256 bytes.
-- Dates are kept within what a date can be elsewhere.
select
    u.user_id::varchar(65535),
    u.age::double precision,
    u.gender::varchar(65535),
    u.is_active::boolean,
    case when c.user_id is not null then true else false end,
    c.total_spend::double precision,
    case when c.last_purchase_date is not null then least(greatest(c.last_purchase_date::date, date '0001-01-01'), date '9999-12-31') end,
    c.product_category::varchar(65535)
from {0} u
left join {1} c on c.user_id::varchar(65535) = u.user_id::varchar(65535)
