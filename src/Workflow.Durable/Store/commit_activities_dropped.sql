-- Nobody waits for what a terminated instance had asked for. $1 instances
DELETE FROM activities WHERE instance_id = ANY ($1::text[]);
