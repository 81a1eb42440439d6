-- $1 schema, $2 table: a row per column, or one row without a column.
select c.oid,
       c.relkind,
       a.attname,
       format_type(a.atttypid, a.atttypmod),
       t.typname,
       a.atttypmod,
       a.attnotnull,
       exists (
           select from pg_index i
           where i.indrelid = c.oid
             and i.indisunique
             and i.indisvalid
             and i.indpred is null
             and i.indnkeyatts = 1
             and i.indkey[0] = a.attnum)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_type t on t.oid = a.atttypid
where n.nspname = $1
  and c.relname = $2
order by a.attnum
