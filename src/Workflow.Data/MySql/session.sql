-- The text forms that values arrive in do not depend on how the server or the user is set; nor does a reader that has to spill get cut off,
-- or one that wants a lock keep the table's writers waiting for long.
set character_set_client = utf8mb4,
    character_set_connection = utf8mb4,
    character_set_results = utf8mb4,
    time_zone = '+00:00',
    sql_mode = '',
    net_write_timeout = 3600,
    lock_wait_timeout = 5
