-- Of rows with one address the last one counts.
create table latest as
select lower(email) as email, max(row) as row, arg_max(segment, row) as segment
from read_parquet(?)
where rule is null and email is not null
group by lower(email)
