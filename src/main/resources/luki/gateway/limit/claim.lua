-- Marks a request with an Idempotency-Key as in progress, if nothing is known of its key. KEYS[1]: "P",
-- the hash of the request and its attempt while it is in progress; then "D", the hash and the reply.
-- ARGV[1] hash of the request, 64 characters, [2] attempt, [3] lifetime of the mark in ms. Replies {0}
-- for the first, {1} in progress, {2} used for another request, {3, reply}.
local known = redis.call("GET", KEYS[1])
if not known then
  redis.call("SET", KEYS[1], "P" .. ARGV[1] .. ARGV[2], "PX", ARGV[3])
  return { 0 }
end
if string.sub(known, 2, 65) ~= ARGV[1] then
  return { 2 }
end
if string.sub(known, 1, 1) == "P" then
  return { 1 }
end
return { 3, string.sub(known, 66) }
