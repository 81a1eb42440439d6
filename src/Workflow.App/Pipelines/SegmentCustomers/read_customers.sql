-- Every user with what the CRM knows of them, of both tables at one moment, in words that Redshift knows, too: its text has 256 bytes,
-- and it makes none of a boolean.
select
    u.user_id::varchar(65535),
    u.age::varchar(65535),
    u.gender::varchar(65535),
    u.is_active,
    case when c.user_id is not null then true else false end,
    c.total_spend::varchar(65535),
    c.last_purchase_date::varchar(65535),
    c.product_category::varchar(65535)
from {0} u
left join {1} c on c.user_id::varchar(65535) = u.user_id::varchar(65535)
