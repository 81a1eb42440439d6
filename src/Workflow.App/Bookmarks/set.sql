insert into bookmarks as b (pipeline, object, etag, instance, processed_at, moved_to)
values ($1, $2, $3, $4, now(), $5)
on conflict (pipeline, object, etag) do update
    set processed_at = coalesce(b.processed_at, excluded.processed_at), moved_to = excluded.moved_to
