-- Nothing reaches an instance that has ended. $1 instances
DELETE FROM messages WHERE instance_id = ANY ($1::text[]);
