-- The lines of the new rows, those that follow each other as one range.
select min(line) as first_line, max(line) as last_line
from (select line, line - row_number() over (order by line) as "range" from new_rows)
group by "range"
order by first_line
