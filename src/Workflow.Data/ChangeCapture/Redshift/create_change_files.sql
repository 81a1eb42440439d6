create schema if not exists {schema};

-- The files of changes that were applied, by their table; a file is the same where address and ETag are.
create table if not exists {schema}.change_files (
    target varchar(256) not null,
    file varchar(4096) not null,
    etag varchar(256) not null,
    stamp varchar(32) not null,
    is_full_load boolean not null,
    rows bigint not null,
    applied_at timestamp with time zone not null,
    primary key (target, file, etag)
);
