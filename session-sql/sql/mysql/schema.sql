CREATE TABLE IF NOT EXISTS {table} (
    key_hash   BINARY(32) NOT NULL PRIMARY KEY, -- SHA-256 of the session's id
    version    BIGINT     NOT NULL,
    payload    LONGBLOB   NOT NULL,
    created_at BIGINT     NOT NULL,             -- milliseconds since 1970, rounded up
    expires_at BIGINT     NOT NULL,             -- milliseconds since 1970, rounded up
    owner      BLOB,                            -- UTF-8; TEXT ignores trailing spaces
    INDEX `{name}_expires_at` (expires_at),
    INDEX `{name}_owner` (owner(255))
) ENGINE = InnoDB;

-- The versions of the table, and for each the oldest one whose statements still work.
CREATE TABLE IF NOT EXISTS {schema}`{name}_schema` (
    version         BIGINT NOT NULL PRIMARY KEY,
    compatible_with BIGINT NOT NULL
) ENGINE = InnoDB;

INSERT IGNORE INTO {schema}`{name}_schema` (version, compatible_with) VALUES (1, 1)
