-- Tells an instance that its code strayed, unless it has moved on since. $1 instance, $2 execution, $3 turn, $4 now, $5 event
WITH alive AS (
    UPDATE instances SET ready_at = LEAST(ready_at, $4)
    WHERE instance_id = $1 AND execution_id = $2 AND turn = $3 AND completed_at IS NULL
    RETURNING instance_id, execution_id
)
INSERT INTO messages (instance_id, execution_id, visible_at, event) SELECT instance_id, execution_id, $4, $5 FROM alive;
