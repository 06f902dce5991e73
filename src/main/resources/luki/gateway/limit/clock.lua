-- Every script begins with this. ARGV[1]: the time in microseconds, or nothing for this server's own.
local now
if ARGV[1] ~= "" then
  now = tonumber(ARGV[1])
else
  local time = redis.call("TIME")
  now = time[1] * 1000000 + time[2]
end
