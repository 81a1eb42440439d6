-- Notes how far the events of an object have come; answers with the newest.
-- $1 pipeline, $2 object, $3 sequencer, $4 now
INSERT INTO object_events AS known (pipeline, object, sequencer, seen_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (pipeline, object) DO UPDATE SET sequencer = greatest(known.sequencer, excluded.sequencer), seen_at = excluded.seen_at
RETURNING sequencer;
