-- Replies {microseconds until the bucket is full, now, the six counts}.
read_counts()
local full = tonumber(redis.call("GET", KEYS[3]) or "0")
return { math.max(0, full - now), now, counts[1], counts[2], counts[3], counts[4], counts[5], counts[6] }
