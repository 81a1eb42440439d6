select distinct b.instance
from bookmarks b
join unnest($2::text[], $3::text[]) as o (object, etag) using (object, etag)
where b.pipeline = $1
  and b.processed_at is null
