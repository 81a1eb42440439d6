insert into outcomes
select "Id", $1, coalesce($2, 'The job did not come to this record.')
from read_csv($3, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
