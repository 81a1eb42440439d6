create table lines (source varchar, line bigint, custody varchar, domain varchar, operation varchar, load varchar, body varchar)
