-- Sets the expiry of the record if it has the expected version.
-- KEYS: record. ARGV: start of a record with that version, new expiry, its time to live in ms, time
-- in ms for which the key must be listed, time until which the key is listed. The last is omitted
-- if it is not known.
-- Returns 0 if it has another version, -1 if its format is newer, 1 if the expiry was set, and the
-- owner if nothing was done because the key must be listed first. If the expiry was set and the
-- record has the time of its listing, returns the owner and that time.
local refused = refusal(ARGV[1])
if refused then
  return refused
end
local done = 1
if ARGV[5] then
  redis.call('SETRANGE', KEYS[1], '23', ARGV[5])
else
  local owner, listed = listing()
  if owner then
    if listed < redis.call('TIME')[1] * 1000 + ARGV[4] then
      return owner
    end
    done = {owner, listed}
  end
end
redis.call('SETRANGE', KEYS[1], '16', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return done
