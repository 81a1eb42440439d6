-- One load at a time for a table, until the transaction ends; $1 is the table.
select pg_advisory_xact_lock(hashtextextended('workflow load ' || $1, 0))
