-- Removes the record at a version.
-- KEYS: record. ARGV: start of the record at that version.
-- 0: not that version. 1: done. Until when the key is listed, and the owner: done, too.
if redis.call('GETRANGE', KEYS[1], '0', '11') ~= ARGV[1] then
  return 0
end
local old = redis.call('GETRANGE', KEYS[1], '36', '59')
local length = tonumber(string.sub(old, 17))
local listed = 1
if length == 0 then
  listed = string.sub(old, 1, 16)
elseif length then
  listed = string.sub(old, 1, 16) .. redis.call('GETRANGE', KEYS[1], '60', 59 + length)
end
redis.call('DEL', KEYS[1])
return listed
