create table users (
    user_id varchar,
    email varchar
)
