UPDATE {table}
SET expires_at = ?
WHERE key_hash = ? AND version = ?
