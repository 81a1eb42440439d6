-- Tells all hosts that a schedule is no longer what they have seen.
SELECT pg_notify('schedules_' || current_schema(), '');
