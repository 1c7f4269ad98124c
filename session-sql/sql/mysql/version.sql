SELECT version, compatible_with
FROM {schema}`{name}_schema`
ORDER BY version DESC
LIMIT 1
