select db.{db_key}
from db
where not exists (select 1 from file where file.{file_key} = db.{db_key})
order by db._row
limit ?
