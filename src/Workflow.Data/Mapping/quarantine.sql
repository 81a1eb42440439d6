select refused.rule, refused.reason, s.name as source, refused._row - s.rows_before as line, {content} as content
from (
    select _row, {cast_rule} as rule, reason from json_typed where reason <> ''
    union all
    select line as _row, rule, reason from bad_rows
) refused
join json_sources s on refused._row > s.rows_before and refused._row <= s.rows_before + s.rows
join json_records r on r._row = refused._row
order by refused._row, refused.rule
