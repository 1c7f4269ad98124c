SELECT COUNT(*)
FROM {table}
WHERE expires_at >= $1
