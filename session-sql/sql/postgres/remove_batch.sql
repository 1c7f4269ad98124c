-- In the order of the keys, so that two such statements rarely wait for each other's rows.
DELETE FROM {table} AS target
USING (
    SELECT *
    FROM unnest($1::bytea[], $2::bigint[]) WITH ORDINALITY AS calls (key_hash, expected, number)
    ORDER BY key_hash
) AS old
WHERE target.key_hash = old.key_hash AND target.version = old.expected
RETURNING old.number
