insert into outcomes
select "Id", null, null
from read_csv(?, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
