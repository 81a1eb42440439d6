select * from temp_data where email is null or not regexp_full_match(cast(email as varchar), '[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}')
