-- What instances have started, as it is now. $1 parents
SELECT parent_id, instance_id, status, output FROM instances WHERE parent_id = ANY ($1::text[]);
