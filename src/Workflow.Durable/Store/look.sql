-- Whether there is work in nobody's hand, and when to look again if nobody calls: when the next message falls due, and when the
-- first lease ends that others hold work under. Writes nothing. $1 lease, $2 now
SELECT
    EXISTS (SELECT FROM instances WHERE lease IS NULL AND ready_at <= $2) OR EXISTS (SELECT FROM activities WHERE lease IS NULL),
    (SELECT min(ready_at) FROM instances WHERE lease IS NULL AND ready_at > $2),
    (SELECT min(visible_at) FROM messages JOIN instances USING (instance_id) WHERE instances.lease = $1 AND visible_at > $2),
    (SELECT min(expires_at) FROM leases WHERE lease <> $1
        AND (EXISTS (SELECT FROM instances WHERE instances.lease = leases.lease)
             OR EXISTS (SELECT FROM activities WHERE activities.lease = leases.lease)));
