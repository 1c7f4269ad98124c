INSERT INTO {table} (key_hash, version, payload, created_at, expires_at, owner)
VALUES (?, ?, ?, ?, ?, ?)
