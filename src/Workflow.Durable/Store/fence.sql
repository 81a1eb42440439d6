-- See the function: nothing after it happens unless every named execution is in hand. $1 lease, $2 how long, $3 commit, $4 ids, $5 executions,
-- $6 turns, $7 targets
SELECT fence($1, $2, $3, $4, $5, $6, $7);
