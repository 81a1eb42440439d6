select *, {version} as data_versao, codigo_identificador_carga as id_carga
from read_parquet({items})
