-- See the function: nothing after it happens unless every named instance is in hand. $1 lease, $2 how long, $3 commit, $4 ids, $5 turns, $6 targets
SELECT fence($1, $2, $3, $4, $5, $6);
