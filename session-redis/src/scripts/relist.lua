-- Puts a key back on its owner's list if the entry was lost or has an earlier time.
-- KEYS: list of the owner. ARGV: key, time until which the key must be listed.
-- Returns 1 if the entry was lost, and 0 otherwise.
local listed = tonumber(ARGV[2])
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '-1') >= listed then
  return 0
end
redis.call('ZADD', KEYS[1], string.format('%.0f', listed), ARGV[1])
local time = redis.call('TIME')
local left = listed - time[1] * 1000 - math.floor(time[2] / 1000)
if redis.call('PTTL', KEYS[1]) < left then
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', left))
end
return 1
