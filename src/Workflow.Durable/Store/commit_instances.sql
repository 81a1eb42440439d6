-- Closes the turns. Last of a commit, when all that is on its way to the instances is in place.
-- $1 ids, $2 executions, $3 statuses, $4 sets custom status, $5 custom statuses, $6 outputs, $7 failures, $8 inputs of new executions, $9 released, $10 now,
-- $11 took or left messages: only then has what is due next changed
UPDATE instances
SET turn = instances.turn + 1,
    execution_id = closed.execution_id,
    status = closed.status,
    custom_status = CASE WHEN closed.sets_custom_status THEN closed.custom_status ELSE instances.custom_status END,
    output = closed.output,
    failure = closed.failure,
    input = CASE WHEN closed.execution_id = instances.execution_id THEN instances.input ELSE closed.input END,
    lease = CASE WHEN closed.released THEN NULL ELSE instances.lease END,
    ready_at = CASE WHEN closed.moved_messages THEN (SELECT min(visible_at) FROM messages WHERE messages.instance_id = closed.instance_id)
                    ELSE instances.ready_at END,
    updated_at = $10,
    completed_at = CASE WHEN closed.status IN ('Completed', 'Failed', 'Terminated') THEN $10 END
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::boolean[], $5::text[], $6::text[], $7::bytea[], $8::text[], $9::boolean[], $11::boolean[])
    AS closed (instance_id, execution_id, status, sets_custom_status, custom_status, output, failure, input, released, moved_messages)
WHERE instances.instance_id = closed.instance_id;
