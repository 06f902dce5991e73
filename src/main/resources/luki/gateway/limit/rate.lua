-- Admits a call of a caller without quotas, the usual case. KEYS[1]: its bucket. ARGV[2] interval,
-- [3] burst, [4] cost. Replies {admitted, microseconds until the bucket is full}.
local most = ARGV[3] * ARGV[2]
local full = tonumber(redis.call("GET", KEYS[1]) or "0")
local after = math.max(full, now) + math.min(tonumber(ARGV[4]), tonumber(ARGV[3])) * ARGV[2]
if after - now > most then
  return { 0, math.max(0, full - now) }
end
redis.call("SET", KEYS[1], string.format("%.0f", after), "PX", math.ceil((after - now) / 1000) + 1000)
return { 1, after - now }
