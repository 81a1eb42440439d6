-- A number field answers 3.0 where 3 was written.
create table matched as
select latest.row,
       latest.segment,
       contacts.id as contact_id,
       contacts.segment is not distinct from latest.segment
           or regexp_replace(contacts.segment, '\.0+$', '') is not distinct from latest.segment as is_same
from latest
join contacts on contacts.email = latest.email
