select rows.user_id,
       sent.contact_id,
       rows.email,
       rows.segment,
       coalesce(rows.rule, outcomes.rule) as rule,
       coalesce(rows.reason, outcomes.reason) as reason,
       rows.source,
       rows.line
from rows
left join sent on sent.row = rows.row
left join outcomes on outcomes.contact_id = sent.contact_id
where rows.rule is not null or outcomes.rule is not null
order by rows.row, sent.contact_id
