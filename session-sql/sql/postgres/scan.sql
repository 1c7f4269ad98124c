SELECT key_hash
FROM {table}
WHERE key_hash > $1
ORDER BY key_hash
LIMIT $2
