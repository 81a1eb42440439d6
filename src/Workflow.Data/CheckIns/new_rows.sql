-- Of the rows that passed, those that no load before has brought.
create table new_rows as
select *
from read_parquet({file}) passed
where not exists (from loaded l where passed.line between l.first_line and l.last_line)
