-- ARGV[8] id of the hold, [9] its life in ms, [10..12] what it holds, [13] characters wanted (0: it
-- only lives on, as it is). Answers how many more it holds.
if ARGV[13] == "0" then
  local known = redis.call("HGET", KEYS[2], ARGV[8])
  if known then
    local a, b, c = string.match(known, "^%d+ (%d+) (%d+) (%d+)$")
    hold(ARGV[8], tonumber(ARGV[9]), tonumber(a), tonumber(b), tonumber(c))
  end
  return 0
end
read_counts()
redis.call("HDEL", KEYS[2], ARGV[8])
read_held()
held[3] = held[3] + tonumber(ARGV[12])
local more = most_of(3, tonumber(ARGV[13]))
hold(ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]) + more)
return more
