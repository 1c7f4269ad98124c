WITH expired AS MATERIALIZED (
    SELECT key_hash
    FROM {table}
    WHERE expires_at < $1
    ORDER BY expires_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
DELETE FROM {table} AS target
USING expired
WHERE target.key_hash = expired.key_hash AND target.expires_at < $3
