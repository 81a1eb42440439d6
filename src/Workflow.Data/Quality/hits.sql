-- Rows that rules found bad: the rule by its place in the list, the row by its _row.
create or replace table quality_hits (rule integer, "row" bigint, reason varchar);
-- The rules whose bad rows are set aside.
create or replace table quality_refusals (rule integer, name varchar, error_type varchar);
