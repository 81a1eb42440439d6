insert into {files} (target, file, etag, stamp, is_full_load, rows, applied_at)
values ($1, $2, $3, $4, $5, $6, $7)
