create table predictions (
    user_id varchar,
    segment integer,
    distance double
)
