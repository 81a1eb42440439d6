-- The rows that one rule refuses, with the values as the file had them.
select "rule",
       coalesce(fault, reason) as reason,
       {source} as source,
       line,
       "user",
       timestamp_text as "timestamp",
       hours_text as hours,
       project,
       raw
from bad_rows
where "rule" = {rule}
order by line
