-- A lease that has ended stays ended, even if nobody has noticed yet. $1 lease, $2 how long
UPDATE leases
SET renewed_at = clock_timestamp(), expires_at = clock_timestamp() + $2
WHERE lease = $1 AND expires_at > clock_timestamp();
