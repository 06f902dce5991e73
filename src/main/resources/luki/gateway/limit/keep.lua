-- Keeps the reply to a request. KEYS[1] as in claim.lua; where the mark has expired and another attempt
-- has begun, its mark stays. ARGV[1] hash of the request, [2] attempt, [3] lifetime in ms, [4] reply.
local known = redis.call("GET", KEYS[1])
if known and known ~= "P" .. ARGV[1] .. ARGV[2] then
  return 0
end
redis.call("SET", KEYS[1], "D" .. ARGV[1] .. ARGV[4], "PX", ARGV[3])
return 1
