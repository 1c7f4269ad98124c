SELECT key_hash, version, payload, created_at, expires_at, owner
FROM {table}
WHERE key_hash IN ({keys})
