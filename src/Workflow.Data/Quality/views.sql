create or replace view bad_rows as
select r.error_type, r.name as "rule", h.reason, d._row as line, d.* exclude (_row)
from (select rule, "row", min(reason) as reason from quality_hits group by rule, "row") h
join quality_refusals r on r.rule = h.rule
join temp_data d on d._row = h."row";

create or replace view good_rows as
select d.*
from temp_data d
where not exists (from quality_hits h join quality_refusals r on r.rule = h.rule where h."row" = d._row);
