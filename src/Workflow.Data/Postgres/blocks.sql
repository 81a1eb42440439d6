-- Only a heap without children has its rows at one place, in one order.
select pg_relation_size(c.oid) / current_setting('block_size')::bigint
from pg_class c
join pg_am a on a.oid = c.relam
where c.oid = @table::regclass
  and c.relkind in ('r', 'm')
  and not c.relhassubclass
  and a.amname = 'heap'
