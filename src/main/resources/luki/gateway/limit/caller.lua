-- The usage of one caller; the first part of each script about quotas. KEYS[1]: its counters,
-- KEYS[2]: the reservations of its calls in flight, KEYS[3]: its bucket; the caller is the hash tag
-- of all. ARGV[2..7]: the bounds of requests, chat messages and streamed characters, each for a day
-- and a month; -1: unlimited. Times are in microseconds.

-- The month in UTC, as year * 12 + month - 1. Here years begin in March, so that a leap day is
-- the last day of its year.
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

-- counts[1..6]: in the order of the bounds. A count of a past window is 0.
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

-- Units reserved of each meter. The reservations of a crashed process expire.
local reserved = { 0, 0, 0 }
local function read_reserved()
  local all = redis.call("HGETALL", KEYS[2])
  for i = 1, #all, 2 do
    local ends, a, b, c = string.match(all[i + 1], "^(%d+) (%d+) (%d+) (%d+)$")
    if tonumber(ends) <= now then
      redis.call("HDEL", KEYS[2], all[i])
    else
      reserved[1] = reserved[1] + a
      reserved[2] = reserved[2] + b
      reserved[3] = reserved[3] + c
    end
  end
end

-- Units left of a meter in its day (1) or month (2); nil without a bound.
local function left(meter, window)
  local i = 2 * meter - 2 + window
  local bound = tonumber(ARGV[1 + i])
  if bound < 0 then
    return nil
  end
  return math.max(0, bound - counts[i] - reserved[meter])
end

-- The units wanted, or those that are left if these are fewer.
local function available(meter, wanted)
  local most = wanted
  for window = 1, 2 do
    local rest = left(meter, window)
    if rest and rest < most then
      most = rest
    end
  end
  return most
end

local function reserve(id, millis, a, b, c)
  redis.call("HSET", KEYS[2], id,
    whole(now + millis * 1000) .. " " .. whole(a) .. " " .. whole(b) .. " " .. whole(c))
  redis.call("PEXPIRE", KEYS[2], whole(millis + 1000))
end
