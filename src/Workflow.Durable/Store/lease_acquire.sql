-- $1 host, $2 how long
INSERT INTO leases (host, renewed_at, expires_at)
VALUES ($1, clock_timestamp(), clock_timestamp() + $2)
RETURNING lease;
