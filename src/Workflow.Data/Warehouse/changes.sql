-- Rows this transaction inserted into and updated in the table $1, and in its partitions where it has some.
with tables as (
    select $1::text::regclass::oid as id
    union
    select relid::oid from pg_partition_tree($1::text::regclass)
)
select sum(pg_stat_get_xact_tuples_inserted(id))::bigint,
       sum(pg_stat_get_xact_tuples_updated(id))::bigint
from tables
