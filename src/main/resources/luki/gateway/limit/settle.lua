-- ARGV[8] id of the hold, [9..11] what was used. KEYS[4] marks that it was counted: asked twice, because
-- an answer was lost, it counts once; and it counts if the hold itself has gone meanwhile.
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
