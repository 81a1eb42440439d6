-- Who may call the service, and what they changed.

CREATE TABLE api_keys (
    key_id        text        NOT NULL CONSTRAINT api_keys_pk PRIMARY KEY,
    name          text        NOT NULL,
    role          text        NOT NULL CONSTRAINT api_keys_role_known CHECK (role IN ('Viewer', 'Operator', 'Admin')),
    pipelines     text[],               -- the only ones it sees and steers; null for all
    secret_sha256 bytea       NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz,
    revoked_at    timestamptz,
    last_used_at  timestamptz           -- to the minute: looking must not mean writing
);

-- One row for every change that was asked for, written before it is made.
CREATE TABLE audit (
    entry    bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT audit_pk PRIMARY KEY,
    at       timestamptz NOT NULL,
    caller   text        NOT NULL,
    role     text,                      -- null: none that we know
    address  text,                      -- from where; null on this machine without the network
    action   text        NOT NULL,
    request  text        NOT NULL,
    pipeline text,
    instance text,
    outcome  text        NOT NULL CONSTRAINT audit_outcome_known CHECK (outcome IN ('Begun', 'Done', 'Refused', 'Failed')),
    status   integer,                   -- the answer's
    ended_at timestamptz
);

CREATE INDEX audit_by_pipeline ON audit (pipeline, entry DESC) WHERE pipeline IS NOT NULL;
CREATE INDEX audit_by_instance ON audit (instance, entry DESC) WHERE instance IS NOT NULL;
