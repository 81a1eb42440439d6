with
told as (
    select sent.row, count(outcomes.rule) as failed
    from sent
    join outcomes on outcomes.contact_id = sent.contact_id
    group by sent.row
)
select (select count(*) from told where failed = 0),
       (select count(*) from told where failed > 0),
       (select count(*) from outcomes where rule is null),
       (select count(*) from outcomes where rule is not null)
