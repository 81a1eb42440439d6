update rows
set user_id = nullif(trim(user_id), ''),
    segment = nullif(trim(segment), ''),
    email = nullif(trim(email), '');

-- Salesforce takes #N/A for the order to empty a field.
update rows
set rule = case when user_id is null then 'NO_USER' when segment is null then 'NO_SEGMENT' else 'UNSENDABLE_SEGMENT' end,
    reason = case
        when user_id is null then 'The row names no user_id.'
        when segment is null then 'The row names no segment.'
        else 'A segment called #N/A would empty the field.'
    end
where rule is null and (user_id is null or segment is null or segment = '#N/A');
