-- How far the events of each object have come, so that one that was overtaken is known as old.
CREATE TABLE object_events
(
    pipeline  text NOT NULL,
    object    text NOT NULL,
    sequencer text COLLATE "C" NOT NULL, -- in capitals, without trailing zeros
    seen_at   timestamptz NOT NULL,
    PRIMARY KEY (pipeline, object)
);

CREATE INDEX object_events_by_age ON object_events (seen_at);
