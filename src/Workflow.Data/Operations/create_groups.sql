create table stored (custody varchar, domain varchar, operation varchar, load varchar, data varchar);

-- Each record once, with how often the files have it.
create table records (
    source varchar, line bigint, custody varchar, domain varchar, operation varchar, load varchar, body varchar,
    nth bigint, times bigint, instalments bigint, movements bigint);

create table items (custody varchar, domain varchar, name varchar, operation varchar, load varchar, data varchar);

-- What a body says: characters behind its last field are nobody's.
create macro said(domain, body) as
    rtrim(left(body, case domain when '99' then 6 when '01' then 21 when '02' then 23 when '03' then 23 when '04' then 24 end))
