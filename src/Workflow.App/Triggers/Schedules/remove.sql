-- Marks the schedules that the settings no longer name. $1 pipelines that they name
UPDATE schedules SET removed_at = schedule_clock() WHERE removed_at IS NULL AND pipeline <> ALL ($1);
