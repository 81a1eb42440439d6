-- $1 now, $2 caller, $3 role, $4 address, $5 action, $6 request, $7 pipeline, $8 instance, $9 outcome, $10 status
INSERT INTO audit (at, caller, role, address, action, request, pipeline, instance, outcome, status, ended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN $9 <> 'Begun' THEN $1 END)
RETURNING entry
