create table if not exists bookmarks (
    pipeline text not null,
    object text not null,
    etag text not null,
    instance text not null,
    taken_at timestamptz not null default now(),
    processed_at timestamptz,
    moved_to text,
    primary key (pipeline, object, etag)
)
