-- $1 table, $2 loads
-- One run at a time at a load, until the transaction ends. Loads share 64 locks, so that a run never takes more of them than the server
-- has room for; taken in one order, so that no two runs wait for each other.
select pg_advisory_xact_lock(hashtext('operations ' || $1), number)
from (select distinct abs(hashtext(load) % 64) as number from unnest($2::text[]) as load order by number) as locks
