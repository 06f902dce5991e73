-- What one caller uses. KEYS[1] holds its counters, KEYS[2] what is held back for calls under way,
-- KEYS[3] its bucket; all have the caller in their hash tag. Times are microseconds. Each script below begins with this.
-- ARGV[2..7]: the bounds of requests, chat
-- messages and streamed characters, each a day and a month; -1 for none.
-- The month in UTC, as year * 12 + month - 1. Years begin in March here, so that a leap day is
-- the last of its year.
local function month_of(day)
  local z = day + 719468
  local era = math.floor(z / 146097)
  local of_era = z - era * 146097
  local year = math.floor(
    (of_era - math.floor(of_era / 1460) + math.floor(of_era / 36524) - math.floor(of_era / 146096)) / 365)
  local of_year = of_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local m = math.floor((5 * of_year + 2) / 153)
  local march = (year + era * 400) * 12 + m + 2
  return march
end

local day = math.floor(now / 86400000000)
local ids = { day, month_of(day) }

local function whole(number)
  return string.format("%.0f", number)
end

-- counts[1..6]: as the bounds. A count of another window is over, and is none.
local counts = {}
local function read_counts()
  local found = redis.call("HMGET", KEYS[1], "1", "2", "3", "4", "5", "6")
  for i = 1, 6 do
    counts[i] = 0
    if found[i] then
      local id, count = string.match(found[i], "^(%d+):(%d+)$")
      if tonumber(id) == ids[(i - 1) % 2 + 1] then
        counts[i] = tonumber(count)
      end
    end
  end
end

-- What is held back, of each meter. What a process held that died is free again after its time.
local held = { 0, 0, 0 }
local function read_held()
  local all = redis.call("HGETALL", KEYS[2])
  for i = 1, #all, 2 do
    local ends, a, b, c = string.match(all[i + 1], "^(%d+) (%d+) (%d+) (%d+)$")
    if tonumber(ends) <= now then
      redis.call("HDEL", KEYS[2], all[i])
    else
      held[1] = held[1] + a
      held[2] = held[2] + b
      held[3] = held[3] + c
    end
  end
end

-- What is left of a meter in its day (1) or month (2); nil without a bound.
local function left(meter, window)
  local i = 2 * meter - 2 + window
  local bound = tonumber(ARGV[1 + i])
  if bound < 0 then
    return nil
  end
  return math.max(0, bound - counts[i] - held[meter])
end

local function most_of(meter, wanted)
  local most = wanted
  for window = 1, 2 do
    local rest = left(meter, window)
    if rest and rest < most then
      most = rest
    end
  end
  return most
end

local function hold(id, millis, a, b, c)
  redis.call("HSET", KEYS[2], id,
    whole(now + millis * 1000) .. " " .. whole(a) .. " " .. whole(b) .. " " .. whole(c))
  redis.call("PEXPIRE", KEYS[2], whole(millis + 1000))
end
