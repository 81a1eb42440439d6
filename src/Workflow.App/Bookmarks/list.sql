select object, etag, instance, taken_at, processed_at, moved_to
from bookmarks
where pipeline = $1
order by processed_at desc nulls first, object
limit $2
