-- Takes units from a bucket that instances share. KEYS[1]: the bucket. ARGV[2] interval, [3] burst,
-- [4] units wanted; a negative number returns units. Replies {units given, microseconds until one is free}.
local interval, burst, wanted = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local full = math.max(tonumber(redis.call("GET", KEYS[1]) or "0"), now)
local free = burst * interval - (full - now)
local given = math.min(wanted, math.floor(free / interval))
if given ~= 0 then
  full = math.max(now, full + given * interval)
  redis.call("SET", KEYS[1], string.format("%.0f", full), "PX", math.ceil((full - now) / 1000) + 1000)
end
return { given, given > 0 and 0 or math.max(0, math.ceil(interval - free)) }
