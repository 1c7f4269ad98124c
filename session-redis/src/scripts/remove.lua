-- Removes the record if it has the expected version.
-- KEYS: record. ARGV: start of a record with that version.
-- Returns 0 if it has another version, -1 if its format is newer, and 1 if it was removed and has no
-- owner. If it has one, returns the owner and the time until which the key is on the owner's list.
local refused = refusal(ARGV[1])
if refused then
  return refused
end
local owner, listed = listing()
redis.call('DEL', KEYS[1])
if owner then
  return {owner, listed}
end
return 1
