-- ARGV[8] id of the hold, [9] its life in ms, [10..12] what it holds, [13] characters wanted (0: it
-- only lives on). KEYS[4] exists once it was settled: it then stays gone. Answers how many more it holds.
if redis.call("EXISTS", KEYS[4]) == 1 then
  return 0
end
if ARGV[13] == "0" then
  local a, b, c = ARGV[10], ARGV[11], ARGV[12]
  local known = redis.call("HGET", KEYS[2], ARGV[8])
  if known then
    a, b, c = string.match(known, "^%d+ (%d+) (%d+) (%d+)$")
  end
  hold(ARGV[8], tonumber(ARGV[9]), tonumber(a), tonumber(b), tonumber(c))
  return 0
end
read_counts()
redis.call("HDEL", KEYS[2], ARGV[8])
read_held()
held[3] = held[3] + tonumber(ARGV[12])
local more = most_of(3, tonumber(ARGV[13]))
hold(ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]) + more)
return more
