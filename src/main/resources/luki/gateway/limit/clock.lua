-- The first part of every script. ARGV[1]: the time in microseconds; empty: the time of this server.
local now
if ARGV[1] ~= "" then
  now = tonumber(ARGV[1])
else
  local time = redis.call("TIME")
  now = time[1] * 1000000 + time[2]
end
