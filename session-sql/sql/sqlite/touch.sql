UPDATE {table}
SET expires_at = ?1
WHERE key_hash = ?2 AND version = ?3
