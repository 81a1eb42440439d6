-- Ends the leases of hosts that are gone and frees what they had in hand: those that have ended, and those whose connection no longer
-- holds its lock although they have had a moment to take it again. The row stays: work that was being taken under it just now, and
-- is not to be seen from here yet, names it afterwards and is freed at the next look. $1 own lease, $2 that moment
WITH dead AS (
    UPDATE leases SET expires_at = 'epoch'
    WHERE lease <> $1
      AND (EXISTS (SELECT FROM instances WHERE instances.lease = leases.lease)
           OR EXISTS (SELECT FROM activities WHERE activities.lease = leases.lease))
      AND (expires_at <= clock_timestamp()
           OR (renewed_at < clock_timestamp() - $2
               AND pg_try_advisory_xact_lock(hashtext(current_schema()), lease::integer)))
    RETURNING lease, host
), instances_freed AS (
    UPDATE instances SET lease = NULL FROM dead WHERE instances.lease = dead.lease RETURNING 1
), activities_freed AS (
    UPDATE activities SET lease = NULL FROM dead WHERE activities.lease = dead.lease RETURNING 1
)
SELECT dead.lease, dead.host, (SELECT count(*) FROM instances_freed), (SELECT count(*) FROM activities_freed) FROM dead;
