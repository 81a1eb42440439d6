-- When to look again if nobody calls: the next message to fall due, and the next lease to end. $1 lease, $2 now.
SELECT
    (SELECT min(ready_at) FROM instances WHERE lease IS NULL AND ready_at > $2),
    (SELECT min(visible_at) FROM messages JOIN instances USING (instance_id) WHERE instances.lease = $1 AND visible_at > $2),
    (SELECT min(expires_at) FROM leases WHERE lease <> $1
        AND (EXISTS (SELECT FROM instances WHERE instances.lease = leases.lease)
             OR EXISTS (SELECT FROM activities WHERE activities.lease = leases.lease)));
