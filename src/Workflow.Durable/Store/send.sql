-- One message for one instance. Answers whether the instance exists; one that has ended takes nothing. $1 instance, $2 now, $3 event
WITH alive AS (
    UPDATE instances SET ready_at = LEAST(ready_at, $2) WHERE instance_id = $1 AND completed_at IS NULL RETURNING instance_id
), sent AS (
    INSERT INTO messages (instance_id, visible_at, event) SELECT instance_id, $2, $3 FROM alive
)
SELECT EXISTS (SELECT FROM instances WHERE instance_id = $1);
