DELETE FROM {table}
WHERE key_hash = ?1 AND version = ?2
