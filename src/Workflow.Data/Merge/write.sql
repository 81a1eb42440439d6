-- The header is a row of its own, because DuckDB would rename columns whose names differ in case only.
copy (
    select {columns}
    from (
        select 0::bigint as _row, {names}
        union all
        select file._row, {values}
        from file
        left join db on db.{db_key} = file.{file_key}
    )
    order by _row
) to {output} (format csv, header false)
