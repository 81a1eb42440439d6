-- A new lease. Leases that ended a while ago and that nothing names any more are cleared away. $1 host, $2 how long
WITH forgotten AS (
    DELETE FROM leases
    WHERE expires_at < clock_timestamp() - interval '1 minute'
      AND NOT EXISTS (SELECT FROM instances WHERE instances.lease = leases.lease)
      AND NOT EXISTS (SELECT FROM activities WHERE activities.lease = leases.lease)
)
INSERT INTO leases (host, renewed_at, expires_at)
VALUES ($1, clock_timestamp(), clock_timestamp() + $2)
RETURNING lease;
