select * from temp_data where user_id is null or trim(cast(user_id as varchar)) = ''
