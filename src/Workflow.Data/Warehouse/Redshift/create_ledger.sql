-- Redshift declares keys and does not enforce them: loads of a schema go one at a time, under a lock on this table.
create schema if not exists {schema};

create table if not exists {schema}.load_ledger (
    id bigint not null,
    load_key varchar(256) not null,
    source varchar(4096) not null,
    content_sha256 varchar(64) not null,
    target varchar(256) not null,
    rows_in bigint not null,
    loaded bigint not null,
    quarantined bigint not null,
    skipped bigint not null,
    duplicates bigint not null,
    result varchar(65535) not null,
    loaded_at timestamp with time zone not null,
    primary key (load_key)
);
