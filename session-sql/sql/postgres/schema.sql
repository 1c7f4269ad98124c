-- Processes that create the table at the same time could fail. The lock serializes them.
SELECT pg_advisory_xact_lock(7310579633165197676);

CREATE TABLE IF NOT EXISTS {table} (
    key_hash   BYTEA  NOT NULL PRIMARY KEY, -- SHA-256 of the session's id
    version    BIGINT NOT NULL,
    payload    BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,             -- milliseconds since 1970, rounded up
    expires_at BIGINT NOT NULL,             -- milliseconds since 1970, rounded up
    owner      BYTEA                        -- UTF-8; TEXT rejects the character NUL
) WITH (fillfactor = 90); -- the new version of a row fits on its page, so its index entries stay

CREATE INDEX IF NOT EXISTS "{name}_expires_at" ON {table} (expires_at);

-- A hash index, because a B-tree rejects values of more than 2,704 bytes.
CREATE INDEX IF NOT EXISTS "{name}_owner" ON {table} USING HASH (owner);

-- The versions of the table, and for each the oldest one whose statements still work.
CREATE TABLE IF NOT EXISTS {schema}"{name}_schema" (
    version         BIGINT NOT NULL PRIMARY KEY,
    compatible_with BIGINT NOT NULL
);

INSERT INTO {schema}"{name}_schema" (version, compatible_with) VALUES (1, 1) ON CONFLICT DO NOTHING;
