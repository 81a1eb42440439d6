-- Columns of the table $1, a quoted name: name and type, a domain's as the type it is made of.
select a.attname, coalesce(b.typname, t.typname)
from pg_attribute a
join pg_type t on t.oid = a.atttypid
left join pg_type b on b.oid = t.typbasetype
where a.attrelid = $1::text::regclass
  and a.attnum > 0
  and not a.attisdropped
order by a.attnum
