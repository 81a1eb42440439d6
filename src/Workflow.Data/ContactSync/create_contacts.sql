create table contacts (
    id varchar,
    email varchar,
    segment varchar
);

create table sent (
    row bigint,
    contact_id varchar
);
