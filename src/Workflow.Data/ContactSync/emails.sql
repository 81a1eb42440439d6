select distinct lower(email) as email
from read_parquet(?)
where rule is null and email is not null
order by email
