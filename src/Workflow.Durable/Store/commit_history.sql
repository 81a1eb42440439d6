INSERT INTO history (instance_id, turn, events)
SELECT * FROM unnest($1::text[], $2::integer[], $3::bytea[]);
