select row, contact_id, segment
from matched
where not is_same
order by row, contact_id
