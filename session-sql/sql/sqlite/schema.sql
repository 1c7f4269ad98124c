CREATE TABLE IF NOT EXISTS {table} (
    key_hash   BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of the session's id
    version    INTEGER NOT NULL,
    payload    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,             -- milliseconds since 1970, rounded up
    expires_at INTEGER NOT NULL,             -- milliseconds since 1970, rounded up
    owner      BLOB                          -- UTF-8
) STRICT;

CREATE INDEX IF NOT EXISTS {schema}"{name}_expires_at" ON "{name}" (expires_at);

CREATE INDEX IF NOT EXISTS {schema}"{name}_owner" ON "{name}" (owner) WHERE owner IS NOT NULL;

-- The versions of the table, and for each the oldest one whose statements still work.
CREATE TABLE IF NOT EXISTS {schema}"{name}_schema" (
    version         INTEGER NOT NULL PRIMARY KEY,
    compatible_with INTEGER NOT NULL
) STRICT;

INSERT OR IGNORE INTO {schema}"{name}_schema" (version, compatible_with) VALUES (1, 1);
