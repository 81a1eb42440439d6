select count(distinct h."row")
from quality_hits h
where h.rule = ? and exists (from temp_data d where d._row = h."row")
