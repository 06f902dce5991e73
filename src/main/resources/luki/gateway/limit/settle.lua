-- Counts what a call has used. ARGV[8] id of its reservation, [9..11] units used. KEYS[4] marks it as
-- settled: a repeated script (its reply was lost) counts nothing. It counts also when the reservation
-- has expired.
redis.call("HDEL", KEYS[2], ARGV[8])
if not redis.call("SET", KEYS[4], "1", "NX", "PX", "3600000") then
  return 0
end
read_counts()
for meter = 1, 3 do
  local used = tonumber(ARGV[8 + meter])
  for window = 1, 2 do
    local i = 2 * meter - 2 + window
    if used > 0 then
      redis.call("HSET", KEYS[1], whole(i), whole(ids[window]) .. ":" .. whole(counts[i] + used))
    end
  end
end
redis.call("PEXPIRE", KEYS[1], "3456000000")
return 1
