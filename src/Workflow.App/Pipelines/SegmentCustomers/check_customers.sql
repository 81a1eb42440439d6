-- Each row with the first rule it breaks. A purchase may be a day ahead of the run: somewhere it is tomorrow already.
create table checked as
with typed as (
    select *,
        try_cast(age as double) as years,
        case when lower(trim(is_active)) in ('true', 't', 'yes', 'y', 'on', '1') then true
             when lower(trim(is_active)) in ('false', 'f', 'no', 'n', 'off', '0') then false end as active,
        try_cast(total_spend as double) as spend,
        coalesce(try_cast(last_purchase_date as date), try_cast(last_purchase_date as timestamp)::date) as last_purchase
    from read
)
select *, $2 as source, case
    when not active then null
    when user_id is null then {'rule': 'user_id_present', 'reason': 'user_id is missing'}
    when count(*) over (partition by user_id) > 1 then {'rule': 'user_id_unique', 'reason': 'user_id comes more than once'}
    when is_active is null then {'rule': 'is_active_present', 'reason': 'is_active is missing'}
    when active is null then {'rule': 'is_active_boolean', 'reason': 'is_active is neither true nor false'}
    when not in_crm then {'rule': 'user_in_crm', 'reason': 'the CRM does not know the user'}
    when age is not null and years is null then {'rule': 'age_number', 'reason': 'age is no number'}
    when not (years between 0 and 120) then {'rule': 'age_range', 'reason': 'age is not between 0 and 120'}
    when total_spend is not null and (spend is null or not isfinite(spend)) then {'rule': 'total_spend_number', 'reason': 'total_spend is no number'}
    when spend < 0 then {'rule': 'total_spend_range', 'reason': 'total_spend is negative'}
    when last_purchase_date is not null and last_purchase is null then {'rule': 'last_purchase_date_date', 'reason': 'last_purchase_date is no date'}
    when last_purchase < date '1900-01-01' or last_purchase > $1::date + 1 then {'rule': 'last_purchase_date_range', 'reason': 'last_purchase_date is before 1900 or after the run'}
end as refusal
from typed
