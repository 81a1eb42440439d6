-- All schedules, with the time that counts.
SELECT schedule_clock(), pipeline, expression, time_zone, overlap, catch_up, catch_up_window, next_tick, queued_tick, last_tick, last_instance,
       left_out_tick, left_out_reason, paused_at, paused_by, pause_reason, removed_at
FROM schedules
ORDER BY pipeline;
