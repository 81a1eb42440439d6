select custody, domain, name, operation, load, rows, data
from items
order by operation, custody, load, domain
