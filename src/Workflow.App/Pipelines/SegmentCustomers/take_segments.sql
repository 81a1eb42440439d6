insert into predictions
select answers.user_id, segment_of.segment, answers.distance
from answers
join segment_of using (cluster)
order by answers.rowid
