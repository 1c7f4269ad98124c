SELECT key_hash
FROM {table}
WHERE owner = ?
