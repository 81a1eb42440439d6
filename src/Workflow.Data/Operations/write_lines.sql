copy lines to {output} (format parquet, compression snappy)
