-- Each row with the first rule it breaks. A purchase may be a day ahead of the run: somewhere it is tomorrow already.
create table checked as
select *, $2 as source, case
    when is_active = false then null
    when user_id is null then 'user_id is missing'
    when count(*) over (partition by user_id) > 1 then 'user_id comes more than once'
    when is_active is null then 'is_active is missing'
    when not in_crm then 'the CRM does not know the user'
    when not (age between 0 and 120) then 'age is not between 0 and 120'
    when not isfinite(total_spend) or total_spend < 0 then 'total_spend is negative or no number'
    when last_purchase_date < date '1900-01-01' or last_purchase_date > $1::date + 1 then 'last_purchase_date is before 1900 or after the run'
end as rule
from read
