-- Each message about a run, on each way it takes: sent once, and to be seen afterwards.
CREATE TABLE notifications (
    key text NOT NULL,                                      -- the message's: the same for every attempt to send it
    channel text NOT NULL CHECK (channel IN ('Slack', 'Topic', 'Webhook')),
    target text NOT NULL,                                   -- a secret's name, a stand-in's, or a topic's ARN
    pipeline text NOT NULL,
    instance text NOT NULL,
    event text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    left_out boolean NOT NULL DEFAULT false,                -- more than the rule lets through
    failure text,                                           -- of the latest attempt
    CONSTRAINT notifications_pk PRIMARY KEY (key, channel, target)
);

CREATE INDEX notifications_newest ON notifications (created_at DESC, key DESC);
CREATE INDEX notifications_of_pipeline ON notifications (pipeline, channel, target, created_at DESC);
