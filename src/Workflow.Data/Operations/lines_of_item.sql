select source, line, custody || domain || operation || rpad(load, 15, ' ') || body
from records
where custody = $1 and domain = $2 and operation = $3 and load = $4
  and source is not null
order by source, line
