DELETE FROM messages WHERE message_id = ANY ($1::bigint[]);
