-- A rewound history takes the place of the old one. $1 instances
DELETE FROM history WHERE instance_id = ANY ($1::text[]);
