-- As long as this connection lives, its host is known to be alive. $1 lease
SELECT pg_advisory_lock_shared(hashtext(current_schema()), $1::integer);
