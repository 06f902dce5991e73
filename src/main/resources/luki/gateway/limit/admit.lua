-- ARGV[8] interval (0: no rate), [9] burst, [10] cost, [11] id of the hold (nothing: no quotas),
-- [12] its life in ms, [13..15] what it wants of each meter; of characters as many as there are.
-- Answers {admitted, microseconds until the bucket is full, meter used up, its window, now, characters}.
local interval = tonumber(ARGV[8])
local lacking = 0
if interval > 0 then
  local burst = tonumber(ARGV[9])
  local full = tonumber(redis.call("HGET", KEYS[1], "t") or "0")
  local after = math.max(full, now) + math.min(tonumber(ARGV[10]), burst) * interval
  if after - now > burst * interval then
    return { 0, math.max(0, full - now), 0, 0, now, 0 }
  end
  lacking = after - now
  redis.call("HSET", KEYS[1], "t", whole(after))
end
local keep = math.ceil(lacking / 1000) + 1000
local characters = 0
if ARGV[11] ~= "" then
  keep = 3456000000
  read_counts()
  read_held()
  for meter = 1, 3 do
    local wanted = tonumber(ARGV[12 + meter])
    local least = meter == 3 and math.min(wanted, 1) or wanted
    if most_of(meter, least) < least then
      local by_month = left(meter, 2)
      redis.call("PEXPIRE", KEYS[1], whole(keep))
      return { 1, lacking, meter, (by_month and by_month < least) and 2 or 1, now, 0 }
    end
  end
  characters = most_of(3, tonumber(ARGV[15]))
  hold(ARGV[11], tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14]), characters)
end
redis.call("PEXPIRE", KEYS[1], whole(keep))
return { 1, lacking, 0, 0, now, characters }
