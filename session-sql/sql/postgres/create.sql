INSERT INTO {table} (key_hash, version, payload, created_at, expires_at, owner)
VALUES ($1, $2, $3, $4, $5, $6)
