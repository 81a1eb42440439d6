-- A record of the file each, good or bad; what could not be read is null, and the text it was is kept.
create table check_ins (
    line bigint,
    "user" varchar,
    "timestamp" timestamptz,
    hours decimal(5, 2),
    project varchar,
    timestamp_text varchar,
    hours_text varchar,
    fault varchar,
    raw varchar
)
