-- $1 pipeline, $2 channel, $3 target
-- Of one pipeline to one target, messages are let through one after the other, so that they are counted right.
SELECT pg_advisory_xact_lock(hashtext('notifications'), hashtext(concat_ws(' ', $1, $2, $3)))
