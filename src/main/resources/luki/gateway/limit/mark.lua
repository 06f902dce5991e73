-- Renews the mark of a request in progress. KEYS[1] as in claim.lua. ARGV[1] the mark, [2] its lifetime
-- in ms; 0 removes it.
if redis.call("GET", KEYS[1]) == ARGV[1] then
  return redis.call("PEXPIRE", KEYS[1], ARGV[2])
end
return 0
