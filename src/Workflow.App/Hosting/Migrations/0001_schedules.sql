-- One row per pipeline that runs by a schedule: how it was told when the row was last brought up to date, and how far it has come.
CREATE TABLE schedules (
    pipeline        text CONSTRAINT schedules_pk PRIMARY KEY,
    expression      text NOT NULL,
    time_zone       text NOT NULL,
    overlap         text NOT NULL,
    catch_up        text NOT NULL,
    catch_up_window interval NOT NULL,
    next_tick       timestamptz,  -- the first one that has not been dealt with; null when there is none any more
    queued_tick     timestamptz,  -- waits for the run before it to end
    last_tick       timestamptz,  -- the latest that became a run
    last_instance   text,
    left_out_tick   timestamptz,  -- the latest that became none
    left_out_reason text,
    paused_at       timestamptz,
    paused_by       text,
    pause_reason    text,
    removed_at      timestamptz   -- since when no settings name it
);

-- What time it is, for all hosts: their own clocks may differ.
CREATE FUNCTION schedule_clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT clock_timestamp()';
