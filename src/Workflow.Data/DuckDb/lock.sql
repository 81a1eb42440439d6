set global TimeZone = 'UTC';
set allowed_directories = [{folder}];
set enable_external_access = false;
set lock_configuration = true;
