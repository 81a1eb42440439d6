-- What is still wanted of the activities in hand. $1 lease
SELECT instance_id, task_id, execution_id FROM activities WHERE lease = $1;
