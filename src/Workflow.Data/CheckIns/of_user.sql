-- The check-ins of the user $1 behind the id $2, at most $3 of them.
select id, username, project, hours, "timestamp"
from {table}
where username = $1
  and id > $2
order by id
limit $3
