DELETE FROM {table}
WHERE key_hash IN (SELECT key_hash FROM {table} WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)
AND expires_at < ?3
