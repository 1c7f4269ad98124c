DELETE target
FROM {table} AS target
JOIN (SELECT key_hash FROM {table} WHERE expires_at < ? ORDER BY expires_at LIMIT ?) AS expired
    ON target.key_hash = expired.key_hash
WHERE target.expires_at < ?
