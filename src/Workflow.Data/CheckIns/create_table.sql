create table if not exists {table} (
    id bigint generated always as identity primary key,
    username text not null,
    project text not null,
    hours numeric(5, 2) not null,
    "timestamp" timestamp with time zone not null
);

-- Reads are of one user, page by page.
create index if not exists {index} on {table} (username, id);
