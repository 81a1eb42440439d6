create table rows (
    row bigint,
    line bigint,
    source varchar,
    user_id varchar,
    segment varchar,
    email varchar,
    rule varchar,
    reason varchar
)
