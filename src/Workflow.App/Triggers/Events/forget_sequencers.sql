-- Forgets objects that no event was seen of for long.
-- $1 the time before which
DELETE FROM object_events WHERE seen_at < $1;
