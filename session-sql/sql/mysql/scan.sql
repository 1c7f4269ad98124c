SELECT key_hash
FROM {table}
WHERE key_hash > ?
ORDER BY key_hash
LIMIT ?
