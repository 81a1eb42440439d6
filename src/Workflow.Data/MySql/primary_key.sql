-- The columns of an InnoDB table's primary key in their order, each with its type and the table's rows as estimated.
select k.column_name, c.data_type, t.table_rows
from information_schema.tables t
join information_schema.statistics k on k.table_schema = t.table_schema and k.table_name = t.table_name
join information_schema.columns c on c.table_schema = t.table_schema and c.table_name = t.table_name and c.column_name = k.column_name
where t.table_schema = {database}
  and t.table_name = {table}
  and t.engine = 'InnoDB'
  and k.index_name = 'PRIMARY'
order by k.seq_in_index
