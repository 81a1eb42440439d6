-- What is processed stays so; what another run holds is taken over only when that run has ended.
insert into bookmarks as b (pipeline, object, etag, instance)
select $1, o.object, o.etag, $4
from unnest($2::text[], $3::text[]) as o (object, etag)
on conflict (pipeline, object, etag) do update
    set instance = excluded.instance, taken_at = now()
    where b.processed_at is null
      and (b.instance = excluded.instance or b.instance = any ($5::text[]))
returning object, etag
