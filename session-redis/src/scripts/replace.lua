-- Replaces the record if it has the expected version.
-- KEYS: record. ARGV: start of a record with that version, new record, its time to live in ms, time
-- in ms for which the key must be listed. The last is omitted if there is no owner, or if the new
-- record has the time of its listing.
-- Returns 0 if it has another version, 1 if it was replaced, and the new owner if nothing was done
-- because the key must be listed first. If it was replaced and the old record has an owner, returns
-- that owner and the time until which the key is on the owner's list, unless the key was just listed
-- there.
if redis.call('GETRANGE', KEYS[1], '0', '11') ~= ARGV[1] then
  return 0
end
local old = redis.call('GETRANGE', KEYS[1], '36', '59')
local listed = string.sub(old, 1, 16)
local old_length = tonumber(string.sub(old, 17))
local old_owner = old_length and redis.call('GETRANGE', KEYS[1], '60', 59 + old_length)
local new_length = tonumber(string.sub(ARGV[2], 53, 60))
local new_owner = new_length and string.sub(ARGV[2], 61, 60 + new_length)
if ARGV[4] then
  local needed = redis.call('TIME')[1] * 1000 + ARGV[4]
  if old_owner ~= new_owner or tonumber(listed) < needed then
    return new_owner
  end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if ARGV[4] then
  redis.call('SETRANGE', KEYS[1], '36', listed)
elseif not old_owner or old_owner == new_owner then
  return 1
end
return {old_owner, listed}
