-- Of a domain with one record per group: further ones, which say something else than the first.
select source, line, custody || domain || operation || load || body
from records
where domain in ('01', '02') and nth > 1
order by source, line
