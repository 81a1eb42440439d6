copy (
    select custody as custodia,
           name || '#' || custody || '#' || load as dominio,
           name as dominio_enum,
           operation as id_operacao,
           load as codigo_identificador_carga,
           data as dados_dominio
    from items
    order by load, operation, custody, domain
) to {output} (format parquet, compression snappy)
