insert into contacts
select id, lower(trim(email)), nullif(segment, '')
from read_csv(?, auto_detect = false, header = false, skip = 1, delim = ',', quote = '"', escape = '"',
    columns = {'id': 'varchar', 'email': 'varchar', 'segment': 'varchar'})
where id is not null
