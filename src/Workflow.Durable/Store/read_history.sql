SELECT instance_id, events FROM history WHERE instance_id = ANY ($1) ORDER BY instance_id, turn;
