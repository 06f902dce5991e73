-- Extends a reservation. ARGV[8] its id, [9] its lifetime in ms, [10..12] its units, [13] more
-- characters wanted (0: only renew it). KEYS[4] exists when it is settled: then nothing is reserved.
-- Replies how many more characters are reserved.
if redis.call("EXISTS", KEYS[4]) == 1 then
  return 0
end
if ARGV[13] == "0" then
  local a, b, c = ARGV[10], ARGV[11], ARGV[12]
  local known = redis.call("HGET", KEYS[2], ARGV[8])
  if known then
    a, b, c = string.match(known, "^%d+ (%d+) (%d+) (%d+)$")
  end
  reserve(ARGV[8], tonumber(ARGV[9]), tonumber(a), tonumber(b), tonumber(c))
  return 0
end
read_counts()
redis.call("HDEL", KEYS[2], ARGV[8])
read_reserved()
reserved[3] = reserved[3] + tonumber(ARGV[12])
local more = available(3, tonumber(ARGV[13]))
reserve(ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]) + more)
return more
