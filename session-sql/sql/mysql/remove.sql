DELETE FROM {table}
WHERE key_hash = ? AND version = ?
