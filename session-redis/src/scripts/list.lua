-- Lists a key under its owner, and says until when. What is listed once is never listed for a shorter time.
-- KEYS: the owner's list. ARGV: key, ms for which it is to be listed.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local listed = now + ARGV[2]
local before = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '-1')
if before >= listed then
  -- Each listing has a time of its own, by which `unlist.lua` tells it from later ones.
  listed = before + 1
end
redis.call('ZADD', KEYS[1], string.format('%.0f', listed), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now))
if redis.call('PTTL', KEYS[1]) < listed - now then
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', listed - now))
end
return string.format('%016.0f', listed)
