copy (from lines order by line) to {output} (format parquet, compression snappy)
