-- A host that is frozen, or cut off, half way through sending a commit leaves its transaction open, and with it the rows that others need:
-- without a limit they would wait until it wakes. PostgreSQL ends such a transaction itself from version 17 on.
CREATE OR REPLACE FUNCTION fence(
    p_lease bigint, p_ttl interval, p_commit uuid, p_instances text[], p_executions uuid[], p_turns integer[], p_targets text[])
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    known uuid;
    lost  bigint[];
BEGIN
    IF current_setting('server_version_num')::integer >= 170000 THEN
        PERFORM set_config('transaction_timeout', (2000 * extract(epoch FROM p_ttl))::bigint::text, true);
    END IF;

    UPDATE leases SET last_commit = p_commit, renewed_at = clock_timestamp(), expires_at = clock_timestamp() + p_ttl
    FROM (SELECT lease, last_commit FROM leases WHERE lease = p_lease FOR UPDATE) before
    WHERE leases.lease = before.lease AND leases.expires_at > clock_timestamp()
    RETURNING before.last_commit INTO known;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'lease % is gone', p_lease USING ERRCODE = 'WF003';
    END IF;
    IF known = p_commit THEN
        RAISE EXCEPTION 'commit % is in already', p_commit USING ERRCODE = 'WF002';
    END IF;

    -- Everybody locks in one order, so that two hosts that send to each other's instances cannot deadlock.
    PERFORM FROM instances WHERE instance_id = ANY (p_instances || p_targets) ORDER BY instance_id FOR UPDATE;

    SELECT array_agg(position) INTO lost
    FROM unnest(p_instances, p_executions, p_turns) WITH ORDINALITY AS asked (instance_id, execution_id, turn, position)
    LEFT JOIN instances held ON held.instance_id = asked.instance_id AND held.execution_id = asked.execution_id
        AND held.lease = p_lease AND held.turn = asked.turn
    WHERE held.instance_id IS NULL;
    IF lost IS NOT NULL THEN
        RAISE EXCEPTION 'instances are no longer in hand' USING ERRCODE = 'WF001', DETAIL = array_to_string(lost, ',');
    END IF;
END $$;
