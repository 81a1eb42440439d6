update rows
set email = known.email
from (
    select user_id, min(nullif(trim(email), '')) as email
    from users
    group by user_id
) known
where rows.email is null and rows.rule is null and known.user_id = rows.user_id
