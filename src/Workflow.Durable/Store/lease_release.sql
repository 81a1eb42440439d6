-- Gives back all that one lease has in hand, and ends the lease. $1 lease
WITH gone AS (UPDATE leases SET expires_at = 'epoch' WHERE lease = $1),
     freed AS (UPDATE activities SET lease = NULL WHERE lease = $1)
UPDATE instances SET lease = NULL WHERE lease = $1;
