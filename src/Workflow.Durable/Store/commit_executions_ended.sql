-- A new execution begins with nothing of the old one but the events that were meant for the instance. Activities of the old one
-- run to their end; nobody hears of it. $1 instances
WITH history_gone AS (DELETE FROM history WHERE instance_id = ANY ($1::text[]))
DELETE FROM messages WHERE instance_id = ANY ($1::text[]) AND execution_id IS NOT NULL;
