UPDATE {table}
SET version = ?, payload = ?, created_at = ?, expires_at = ?, owner = ?
WHERE key_hash = ? AND version = ?
