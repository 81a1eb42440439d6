select count(*)
from (select contact_id from sent) sent
full join (select contact_id, count(*) as times from outcomes group by contact_id) outcomes using (contact_id)
where outcomes.times is distinct from 1 or sent.contact_id is null
