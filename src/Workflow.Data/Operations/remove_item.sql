delete from items where custody = $1 and domain = $2 and operation = $3 and load = $4
