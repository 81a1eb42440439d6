create schema if not exists {schema};

create table if not exists {schema}.load_ledger (
    id bigint generated always as identity,
    load_key text not null,
    source text not null,
    content_sha256 text not null,
    target text not null,
    rows_in bigint not null,
    loaded bigint not null,
    quarantined bigint not null,
    skipped bigint not null,
    duplicates bigint not null,
    result jsonb not null,
    loaded_at timestamp with time zone not null default clock_timestamp(),
    constraint load_ledger_pkey primary key (load_key),
    constraint load_ledger_balance check (rows_in = loaded + quarantined + skipped)
);

create index if not exists load_ledger_target on {schema}.load_ledger (target, id desc);
