select count(distinct h."row")
from quality_hits h
join quality_refusals r on r.rule = h.rule
where exists (from temp_data d where d._row = h."row")
