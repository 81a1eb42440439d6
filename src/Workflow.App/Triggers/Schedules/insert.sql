-- A schedule that is told for the first time; one that is there already stays as it is.
INSERT INTO schedules (pipeline, expression, time_zone, overlap, catch_up, catch_up_window, next_tick)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (pipeline) DO NOTHING;
