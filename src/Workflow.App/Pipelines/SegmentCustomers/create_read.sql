-- As text: a value that is none of its kind is the row's fault, and not the end of the run.
create table read (
    user_id varchar,
    age varchar,
    gender varchar,
    is_active varchar,
    in_crm boolean,
    total_spend varchar,
    last_purchase_date varchar,
    product_category varchar
)
