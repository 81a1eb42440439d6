-- Calls the other hosts: $1 says what for.
SELECT pg_notify('workflow_' || current_schema(), $1);
