-- The demo's users and what the CRM knows of them: what segment-customers reads. Written anew, so that they are the same at every run.
create table if not exists app_users (
    user_id integer primary key,
    email text not null,
    age integer,
    gender text,
    is_active boolean not null
);

create table if not exists crm_customers (
    user_id integer primary key,
    total_spend numeric(12, 2),
    last_purchase_date date,
    product_category text
);

delete from app_users;

delete from crm_customers
