with
matches as (
    select row, bool_and(is_same) as is_same
    from matched
    group by row
)
select (select count(*) from read_parquet(?) where rule is null and email is not null) - (select count(*) from latest),
       (select count(*) from latest) - (select count(*) from matches),
       (select count(*) from matches where is_same),
       (select count(*) from matches where not is_same),
       (select count(*) from contacts),
       (select count(*) from matched where not is_same)
