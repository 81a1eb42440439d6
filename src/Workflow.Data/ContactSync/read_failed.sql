-- CODE:message:fields --
insert into outcomes
select "Id",
       coalesce(nullif(regexp_extract(error, '^([A-Z0-9_]+):', 1), ''), 'REFUSED'),
       regexp_replace(regexp_replace(error, '^[A-Z0-9_]+:', ''), ':[^:]*--$', '')
from (
    select "Id", coalesce(sf__Error, 'Salesforce gives no reason.') as error
    from read_csv(?, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
)
