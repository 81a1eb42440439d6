-- $1 schema, $2 table: a row per column.
select column_name::varchar(128),
       data_type::varchar(128),
       character_maximum_length::integer,
       numeric_precision::integer,
       numeric_scale::integer,
       is_nullable::varchar(3)
from information_schema.columns
where table_schema = $1
  and table_name = $2
order by ordinal_position
