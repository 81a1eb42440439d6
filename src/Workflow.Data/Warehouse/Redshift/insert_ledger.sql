insert into {ledger} (id, load_key, source, content_sha256, target, rows_in, loaded, quarantined, skipped, duplicates, result, loaded_at)
select coalesce(max(id), 0) + 1, $1::varchar(256), $2::varchar(4096), $3::varchar(64), $4::varchar(256), $5::bigint, $6::bigint, $7::bigint, $8::bigint, $9::bigint,
       $10::varchar(65535), $11::timestamp with time zone
from {ledger}
