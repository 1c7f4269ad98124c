-- Removes the record if it has the expected version.
-- KEYS: record. ARGV: start of a record with that version.
-- Returns 0 if it has another version, and 1 if it was removed and has no owner. If it has one,
-- returns the owner and the time until which the key is on the owner's list.
if redis.call('GETRANGE', KEYS[1], '0', '11') ~= ARGV[1] then
  return 0
end
local old = redis.call('GETRANGE', KEYS[1], '36', '59')
local length = tonumber(string.sub(old, 17))
local owner = length and redis.call('GETRANGE', KEYS[1], '60', 59 + length)
redis.call('DEL', KEYS[1])
if owner then
  return {owner, string.sub(old, 1, 16)}
end
return 1
