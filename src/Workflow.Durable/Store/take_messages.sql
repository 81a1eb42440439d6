-- What is due for the instances in hand, in the order it came or, for timers, fell due: the same whether a host was there or not.
-- What an execution carries over goes before all else, even where "now" was read before that execution ended. $1 lease, $2 now.
SELECT messages.instance_id, messages.message_id, messages.event
FROM instances
JOIN messages ON messages.instance_id = instances.instance_id AND (messages.carried OR messages.visible_at <= $2)
WHERE instances.lease = $1 AND instances.ready_at <= $2
ORDER BY messages.carried DESC, messages.visible_at, messages.message_id;
