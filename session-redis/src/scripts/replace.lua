-- Replaces the record if it has the expected version.
-- KEYS: record. ARGV: start of a record with that version, new record, its time to live in ms, time
-- in ms for which the key must be listed. The last is omitted if there is no owner, or if the new
-- record has the time of its listing.
-- Returns 0 if it has another version, -1 if its format is newer, 1 if it was replaced, and the new
-- owner if nothing was done because the key must be listed first. If it was replaced and the old
-- record has an owner, returns that owner and the time until which the key is on the owner's list,
-- unless the key was just listed there.
local refused = refusal(ARGV[1])
if refused then
  return refused
end
local old_owner, listed = listing()
local new_owner
if string.byte(ARGV[2], 23) == 1 then
  new_owner = string.sub(ARGV[2], 33, 32 + struct.unpack('>I3', ARGV[2], 30))
end
if ARGV[4] then
  local needed = redis.call('TIME')[1] * 1000 + ARGV[4]
  if old_owner ~= new_owner or listed < needed then
    return new_owner
  end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if ARGV[4] then
  redis.call('SETRANGE', KEYS[1], '23', struct.pack('>I6', listed))
elseif not old_owner or old_owner == new_owner then
  return 1
end
return {old_owner, listed}
