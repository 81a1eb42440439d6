select
    count(*),
    count(*) filter (not active),
    count(*) filter (refusal is not null)
from checked
