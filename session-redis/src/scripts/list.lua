-- Puts a key on its owner's list and returns the time until which it is listed. That time is never
-- reduced.
-- KEYS: list of the owner. ARGV: key, time in ms for which it must be listed.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local listed = now + ARGV[2]
local before = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '-1')
if before >= listed then
  -- Each call sets another time, by which `unlist.lua` recognizes later calls.
  listed = before + 1
end
redis.call('ZADD', KEYS[1], string.format('%.0f', listed), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now))
if redis.call('PTTL', KEYS[1]) < listed - now then
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', listed - now))
end
return listed
