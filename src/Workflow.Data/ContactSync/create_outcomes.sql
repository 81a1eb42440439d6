create table sent (
    row bigint,
    contact_id varchar
);

create table outcomes (
    contact_id varchar,
    rule varchar,
    reason varchar
);
