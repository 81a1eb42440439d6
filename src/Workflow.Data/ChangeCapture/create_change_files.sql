create schema if not exists {schema};

-- The files of changes that were applied, by their table; a file is the same where address and ETag are.
create table if not exists {schema}.change_files (
    target text not null,
    file text not null,
    etag text not null,
    stamp text not null,
    is_full_load boolean not null,
    rows bigint not null,
    applied_at timestamp with time zone not null default clock_timestamp(),
    constraint change_files_pkey primary key (target, file, etag)
);

create index if not exists change_files_file on {schema}.change_files (file);
