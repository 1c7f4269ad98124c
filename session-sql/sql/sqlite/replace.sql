UPDATE {table}
SET version = ?1, payload = ?2, created_at = ?3, expires_at = ?4, owner = ?5
WHERE key_hash = ?6 AND version = ?7
