select custody, domain, operation, load, data
from items
order by operation, custody, load, domain
