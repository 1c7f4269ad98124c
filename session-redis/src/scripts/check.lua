-- Returns nil if the record has the expected version, -1 if its format is newer than those that this
-- build reads, and otherwise 0. The first two bytes mean the same in every format.
local function refusal(expected)
  local start = redis.call('GETRANGE', KEYS[1], '0', '9')
  if start == expected then
    return nil
  end
  if string.byte(start) == 213 and (string.byte(start, 2) or 0) > 1 then
    return -1
  end
  return 0
end

-- Returns the owner of the record and the time until which its key is on the owner's list.
local function listing()
  local field = redis.call('GETRANGE', KEYS[1], '22', '31')
  if string.byte(field) ~= 1 then
    return nil
  end
  local listed, length = struct.unpack('>I6I3', field, 2)
  return redis.call('GETRANGE', KEYS[1], '32', 31 + length), listed
end

