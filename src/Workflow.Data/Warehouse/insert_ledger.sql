insert into {ledger} (load_key, source, content_sha256, target, rows_in, loaded, quarantined, skipped, duplicates, result)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
