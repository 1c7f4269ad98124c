-- Removes a key from its owner's list, unless it was listed again.
-- KEYS: list of the owner. ARGV: key, time until which it was listed.
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '-1') ~= tonumber(ARGV[2]) then
  return 0
end
return redis.call('ZREM', KEYS[1], ARGV[1])
