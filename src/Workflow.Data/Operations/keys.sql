-- What the lines belong to, and of their operations what the metadata count, and the metadata.
select custody, domain, operation, load
from lines
union
select custody, counted, operation, load
from lines, unnest(['99', '03', '04']) as domains (counted)
