create table read (
    user_id varchar,
    age double,
    gender varchar,
    is_active boolean,
    in_crm boolean,
    total_spend double,
    last_purchase_date date,
    product_category varchar
)
