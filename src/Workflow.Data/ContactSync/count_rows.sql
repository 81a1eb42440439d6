select count(*),
       count(*) filter (rule is not null),
       count(*) filter (rule is null and email is null)
from rows
