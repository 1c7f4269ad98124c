-- Sets the expiry of the record at a version.
-- KEYS: record. ARGV: start of the record at that version, new expiry, its life in ms, ms that the owner's list must keep the key, until when the key is listed.
-- The last is left out if the caller does not know.
-- 0: not that version. 1: done. The owner: nothing done, for the owner's list has to be seen to first.
if redis.call('GETRANGE', KEYS[1], '0', '11') ~= ARGV[1] then
  return 0
end
local listed = ARGV[5]
if not listed then
  local old = redis.call('GETRANGE', KEYS[1], '36', '59')
  local length = tonumber(string.sub(old, 17))
  if length and tonumber(string.sub(old, 1, 16)) < redis.call('TIME')[1] * 1000 + ARGV[4] then
    if length == 0 then
      return ''
    end
    return redis.call('GETRANGE', KEYS[1], '60', 59 + length)
  end
else
  redis.call('SETRANGE', KEYS[1], '36', listed)
end
redis.call('SETRANGE', KEYS[1], '24', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
