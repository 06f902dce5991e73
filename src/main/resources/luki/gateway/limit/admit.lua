-- Admits a call and reserves its units. ARGV[8] interval (0: no rate), [9] burst, [10] cost,
-- [11] id of the reservation, [12] its lifetime in ms, [13..15] units wanted of each meter; of
-- characters as many as are left. Replies {admitted, microseconds until the bucket is full,
-- meter used up (0: none), its window, now, characters reserved}.
local interval = tonumber(ARGV[8])
local lacking = 0
if interval > 0 then
  local burst = tonumber(ARGV[9])
  local full = tonumber(redis.call("GET", KEYS[3]) or "0")
  local after = math.max(full, now) + math.min(tonumber(ARGV[10]), burst) * interval
  if after - now > burst * interval then
    return { 0, math.max(0, full - now), 0, 0, now, 0 }
  end
  lacking = after - now
  redis.call("SET", KEYS[3], whole(after), "PX", whole(math.ceil(lacking / 1000) + 1000))
end
read_counts()
read_reserved()
for meter = 1, 3 do
  local wanted = tonumber(ARGV[12 + meter])
  local least = meter == 3 and math.min(wanted, 1) or wanted
  if available(meter, least) < least then
    local by_month = left(meter, 2)
    return { 1, lacking, meter, (by_month and by_month < least) and 2 or 1, now, 0 }
  end
end
local characters = available(3, tonumber(ARGV[15]))
reserve(ARGV[11], tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14]), characters)
return { 1, lacking, 0, 0, now, characters }
