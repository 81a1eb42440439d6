select (select count(*) from file where exists (select 1 from db where db.{db_key} = file.{file_key})),
       (select count(*) from db where not exists (select 1 from file where file.{file_key} = db.{db_key}))
