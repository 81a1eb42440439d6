-- A host that is frozen with a schedule in its hands holds nobody up for long: its transaction ends, and what it would still do is refused.
SET LOCAL lock_timeout = '5s';
SET LOCAL idle_in_transaction_session_timeout = '30s';
