-- In somebody else's transaction: from here on the hub's tables are found, and leave_hub.sql knows what was before. $1 schema
WITH kept AS MATERIALIZED (SELECT set_config('workflow.search_path', current_setting('search_path'), true))
SELECT set_config('search_path', $1, true) FROM kept;
