-- Keeps a value for a while. KEYS[1], ARGV[1] lifetime in ms, [2] the value.
redis.call("SET", KEYS[1], ARGV[2], "PX", ARGV[1])
return 1
