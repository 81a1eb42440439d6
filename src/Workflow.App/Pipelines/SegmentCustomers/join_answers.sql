-- SageMaker answers line by line, in the order of the customers.
create table answers as
select customers.*, told.closest_cluster::integer as cluster, told.distance_to_cluster as distance
from read_parquet($1) customers
positional join read_json($2, format = 'newline_delimited', columns = {'closest_cluster': 'double', 'distance_to_cluster': 'double'}) told
