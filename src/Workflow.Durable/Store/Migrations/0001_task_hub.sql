-- One task hub: a schema of its own, found by the connection's search path.

-- A host's right to work. Rows that name a lease are in that host's hands until the lease ends or is taken away.
CREATE TABLE leases (
    lease       bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT leases_pk PRIMARY KEY,
    host        text        NOT NULL,
    renewed_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    last_commit uuid                   -- a commit whose answer was lost is known by this when it is sent again
);

CREATE TABLE instances (
    instance_id   text        NOT NULL CONSTRAINT instances_pk PRIMARY KEY,
    execution_id  uuid        NOT NULL,  -- changes at each continue-as-new
    name          text        NOT NULL,
    version       text,
    status        text        NOT NULL CONSTRAINT instances_status_known CHECK (status IN
                      ('Pending', 'Running', 'Suspended', 'Completed', 'Failed', 'Terminated')),
    parent_id     text,
    input         text,
    output        text,
    custom_status text,
    failure       bytea,                 -- TaskFailureDetails
    tags          jsonb,
    turn          integer     NOT NULL DEFAULT 0,  -- turns committed, over all executions; the fence of the next one
    lease         bigint,                -- the host that has it in hand
    ready_at      timestamptz,           -- when its first message is due; null without messages
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    completed_at  timestamptz
) WITH (fillfactor = 70);  -- a turn updates its row in place

CREATE INDEX instances_ready ON instances (ready_at) WHERE lease IS NULL AND ready_at IS NOT NULL;
CREATE INDEX instances_in_hand ON instances (lease, ready_at) WHERE lease IS NOT NULL;
CREATE INDEX instances_by_age ON instances (created_at DESC, instance_id DESC);
CREATE INDEX instances_by_parent ON instances (parent_id) WHERE parent_id IS NOT NULL;

-- What has happened, one row a turn, of the current execution.
CREATE TABLE history (
    instance_id text    NOT NULL,
    turn        integer NOT NULL,
    events      bytea   NOT NULL,  -- HistoryChunk
    CONSTRAINT history_pk PRIMARY KEY (instance_id, turn)
);

-- What is on its way to an instance: starts, events, timers, results of activities and sub-orchestrations done elsewhere.
CREATE TABLE messages (
    message_id   bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT messages_pk PRIMARY KEY,
    instance_id  text        NOT NULL,
    execution_id uuid,                             -- the only execution it is for; null for any
    carried      boolean     NOT NULL DEFAULT false,  -- over a continue-as-new: goes before what came later
    visible_at   timestamptz NOT NULL,
    event        bytea       NOT NULL              -- HistoryEvent
);

CREATE INDEX messages_by_instance ON messages (instance_id, visible_at);

-- Work that an orchestrator has asked for and that has not come back.
CREATE TABLE activities (
    instance_id  text    NOT NULL,
    task_id      integer NOT NULL,
    execution_id uuid    NOT NULL,
    queued       bigint  GENERATED ALWAYS AS IDENTITY,  -- first come, first served
    lease        bigint,
    deliveries   integer NOT NULL,
    event        bytea   NOT NULL,                      -- HistoryEvent with TaskScheduled
    CONSTRAINT activities_pk PRIMARY KEY (instance_id, execution_id, task_id)
);

CREATE INDEX activities_free ON activities (queued) WHERE lease IS NULL;
CREATE INDEX activities_in_hand ON activities (lease) WHERE lease IS NOT NULL;

-- The door of every commit: it opens only for a live lease that still has all the named executions in hand at the named turns.
-- WF001: some are no longer in hand (the detail lists their positions); WF002: this commit is in already; WF003: the lease is gone.
CREATE FUNCTION fence(
    p_lease bigint, p_ttl interval, p_commit uuid, p_instances text[], p_executions uuid[], p_turns integer[], p_targets text[])
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    known uuid;
    lost  bigint[];
BEGIN
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

-- Starts an instance. Null when it is started; the status of the one that keeps its id when that is one of p_dedupe.
CREATE FUNCTION create_instance(
    p_instance text, p_execution uuid, p_name text, p_version text, p_parent text, p_input text, p_tags jsonb,
    p_started bytea, p_now timestamptz, p_start_at timestamptz, p_dedupe text[])
    RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    existing text;
BEGIN
    LOOP
        INSERT INTO instances (instance_id, execution_id, name, version, status, parent_id, input, tags, ready_at, created_at, updated_at)
        VALUES (p_instance, p_execution, p_name, p_version, 'Pending', p_parent, p_input, p_tags, p_start_at, p_now, p_now)
        ON CONFLICT (instance_id) DO NOTHING;
        IF FOUND THEN
            INSERT INTO messages (instance_id, execution_id, visible_at, event) VALUES (p_instance, p_execution, p_start_at, p_started);
            RETURN NULL;
        END IF;

        SELECT status INTO existing FROM instances WHERE instance_id = p_instance FOR UPDATE;
        IF FOUND THEN
            IF existing = ANY (p_dedupe) THEN
                RETURN existing;
            END IF;
            DELETE FROM history WHERE instance_id = p_instance;
            DELETE FROM messages WHERE instance_id = p_instance;
            DELETE FROM activities WHERE instance_id = p_instance;
            DELETE FROM instances WHERE instance_id = p_instance;
        END IF;
    END LOOP;
END $$;
