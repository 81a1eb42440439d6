select source, line, custody || domain || operation || load || body
from records
where custody = $1 and domain = $2 and operation = $3 and load = $4
order by source, line
