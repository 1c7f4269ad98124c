DELETE target
FROM `{table}` AS target FORCE INDEX (PRIMARY)
WHERE target.key_hash IN ({keys}) AND target.expires_at < ?
