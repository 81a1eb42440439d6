-- Of rows with one key only the first is joined. Mostly there is nothing to do, and looking costs a tenth of a join that would cope.
create temporary table repeated as
select {db_key} as key, min(_row) as first_row
from db
where {db_key} is not null
group by all
having count(*) > 1;

delete from db
using repeated
where db.{db_key} = repeated.key
  and db._row > repeated.first_row;
