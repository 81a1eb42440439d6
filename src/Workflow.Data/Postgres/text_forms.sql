-- The text forms that values arrive in do not depend on how the database or the user is set.
set local datestyle = 'ISO, YMD';
set local intervalstyle = 'postgres';
set local timezone = 'UTC';
set local extra_float_digits = 1;
set local bytea_output = 'hex';

-- The rows come in the order they lie in: no scan joins another one midway, none is shared out among workers.
set local synchronize_seqscans = off;
set local max_parallel_workers_per_gather = 0;
