-- A schedule as it stands now; its row is locked.
UPDATE schedules
SET expression = $2, time_zone = $3, overlap = $4, catch_up = $5, catch_up_window = $6, next_tick = $7, queued_tick = $8, last_tick = $9,
    last_instance = $10, left_out_tick = $11, left_out_reason = $12, paused_at = $13, paused_by = $14, pause_reason = $15, removed_at = $16
WHERE pipeline = $1;
