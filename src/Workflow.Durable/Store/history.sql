-- $1 instance
SELECT events FROM history WHERE instance_id = $1 ORDER BY turn;
