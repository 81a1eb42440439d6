select
    count(*),
    count(*) filter (is_active = false),
    count(*) filter (rule is not null)
from checked
