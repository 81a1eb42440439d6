SELECT create_instance($1, $2, $3, $4, NULL, $5, $6, $7, $8, $9, $10);
