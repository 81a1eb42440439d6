-- What the metadata announce and what arrived.
select operation, custody, load, body[1:3]::bigint, instalments, body[4:6]::bigint, movements
from records
where domain = '99' and nth = 1
  and (body[1:3]::int <> instalments or body[4:6]::int <> movements)
order by operation, custody, load
