select * from temp_data where order_id is not null qualify count(*) over (partition by order_id) > 1
