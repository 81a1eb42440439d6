select (select count(*) from lines),
       (select count(*) from lines) - (select count(*) from records),
       (select count(*) from records where domain = '99' and nth > 1)
