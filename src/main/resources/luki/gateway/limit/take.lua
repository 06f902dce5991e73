-- Takes a value out: of several callers one gets it. KEYS[1]. Replies {0} where there is none, {1, value}.
local value = redis.call("GET", KEYS[1])
if not value then
  return { 0 }
end
redis.call("DEL", KEYS[1])
return { 1, value }
