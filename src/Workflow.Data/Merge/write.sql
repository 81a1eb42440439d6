-- The header is given as text, because DuckDB would rename columns whose names differ in case only; with a prefix the line end of
-- the last row is the suffix.
copy (
    select {values}
    from file
    left join db on db.{db_key} = file.{file_key}
    order by file._row
) to {output} (format csv, header false, prefix {header}, suffix e'\n')
