-- Puts a record in the place of the one at a version.
-- KEYS: record. ARGV: start of the record at that version, new record, its life in ms, owner field, ms that the owner's list must keep the key.
-- The last two are left out if there is no owner, or if the new record says already until when it is listed.
-- 0: not that version. 1: done. 2: nothing done, for the owner's list has to be seen to first.
if redis.call('GETRANGE', KEYS[1], '0', '11') ~= ARGV[1] then
  return 0
end
if not ARGV[4] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1
end
local old = redis.call('GETRANGE', KEYS[1], '36', 51 + #ARGV[4])
local listed = string.sub(old, 1, 16)
if string.sub(old, 17) ~= ARGV[4] or tonumber(listed) < redis.call('TIME')[1] * 1000 + ARGV[5] then
  return 2
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('SETRANGE', KEYS[1], '36', listed)
return 1
