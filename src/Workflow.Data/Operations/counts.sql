select coalesce(sum(times), 0)::bigint,
       coalesce(sum(times - 1) filter (times > 0), 0)::bigint,
       count(*) filter (domain = '99' and nth > 1)
from records
