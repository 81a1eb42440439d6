-- Gives back all that one lease has in hand, and the lease. $1 lease
WITH gone AS (DELETE FROM leases WHERE lease = $1),
     freed AS (UPDATE activities SET lease = NULL WHERE lease = $1)
UPDATE instances SET lease = NULL WHERE lease = $1;
