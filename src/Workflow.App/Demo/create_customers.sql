-- The demo's source table: what merge-sources completes the sample file from.
create table if not exists customers (
    id integer primary key,
    name text not null,
    email text not null,
    credit integer
)
