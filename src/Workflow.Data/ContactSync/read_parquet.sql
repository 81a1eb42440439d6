insert into rows
select file_row_number + 1, file_row_number + 1, ?, user_id::varchar, segment::varchar, {email}::varchar, null, null
from read_parquet(?, file_row_number = true)
