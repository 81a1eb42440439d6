-- Of a domain with one record per group: further ones, which say something else than the first.
select source, line, custody || domain || operation || rpad(load, 15, ' ') || body
from records
where domain in ('01', '02') and nth > 1
order by source, line
