-- What the rules of the test see; _row is the line.
create table temp_data as
select line as _row, * exclude (line)
from read_parquet({file})
