-- In the order of the keys, so that two such statements rarely wait for each other's rows.
UPDATE {table} AS target
SET version = new.version, payload = new.payload, created_at = new.created_at, expires_at = new.expires_at, owner = new.owner
FROM (
    SELECT *
    FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[], $7::bigint[])
        WITH ORDINALITY AS calls (version, payload, created_at, expires_at, owner, key_hash, expected, number)
    ORDER BY key_hash
) AS new
WHERE target.key_hash = new.key_hash AND target.version = new.expected
RETURNING new.number
