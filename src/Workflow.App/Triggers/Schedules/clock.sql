-- The time that counts.
SELECT schedule_clock();
