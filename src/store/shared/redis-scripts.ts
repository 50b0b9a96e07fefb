import { slicesPerWindow } from './windows.ts'

/**
 * Each script is one step for everybody, by the clock of Redis: nodes whose clocks differ count the same windows.
 * Whatever is written expires by itself.
 */
const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/** KEYS: windows. ARGV for each: cost, limit, window in ms. Replies {ok, now, retryMs, used, resetMs, used, resetMs, …}. */
export const takeScript = `${now}
local function leaves(slice, width) return (slice + ${slicesPerWindow} + 1) * width - now end
local asked, retry = {}, 0
for i, key in ipairs(KEYS) do
  local cost, limit, window = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local width = math.max(1, math.ceil(window / ${slicesPerWindow}))
  local slice = math.floor(now / width)
  local all, slices, used = redis.call('HGETALL', key), {}, 0
  for j = 1, #all, 2 do
    local number, count = tonumber(all[j]), tonumber(all[j + 1])
    if number < slice - ${slicesPerWindow} then
      redis.call('HDEL', key, all[j])
    elseif count > 0 then
      used = used + count
      slices[#slices + 1] = {number, count}
    end
  end
  table.sort(slices, function(a, b) return a[1] < b[1] end)
  local over, wait = used + cost - limit, 0
  if over > 0 then
    wait = window
    for _, counted in ipairs(slices) do
      over = over - counted[2]
      if over <= 0 then wait = leaves(counted[1], width) break end
    end
  end
  retry = math.max(retry, wait)
  local newest = #slices > 0 and slices[#slices][1] or nil
  asked[i] = {key, cost, width, slice, used, newest, window}
end
local reply = {retry == 0 and 1 or 0, now, retry}
for _, one in ipairs(asked) do
  local key, cost, width, slice, used, newest, window = unpack(one, 1, 7)
  if retry == 0 and cost > 0 then
    redis.call('HINCRBY', key, slice, cost)
    redis.call('PEXPIRE', key, window + 2 * width)
    used, newest = used + cost, slice
  end
  reply[#reply + 1] = used
  reply[#reply + 1] = newest and leaves(newest, width) or 0
end
return reply
`

/** KEYS: a window. ARGV: slice, correction. Nothing below 0, and nothing for a slice that is gone. */
export const settleScript = `
local counted = tonumber(redis.call('HGET', KEYS[1], ARGV[1]))
if counted then redis.call('HSET', KEYS[1], ARGV[1], math.max(0, counted + tonumber(ARGV[2]))) end
return 1
`

/** KEYS: a set of leases. ARGV: id, limit, ms. Replies 1 when there was room. */
export const acquireScript = `${now}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`

/** KEYS: sets of leases. ARGV: ms, then an id for each. What was forgotten meanwhile is held again. */
export const renewScript = `${now}
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + tonumber(ARGV[1]), ARGV[i + 1])
  redis.call('PEXPIRE', key, ARGV[1])
end
return 1
`

/**
 * An entry is a hash: its bytes, its tags and how often each of them was purged when it was stored. KEYS: the entry.
 * ARGV: prefix of the tags. Replies the bytes, or nothing when one was purged since.
 */
export const readScript = `
local entry = redis.call('HMGET', KEYS[1], 'value', 'tags', 'marks')
if not entry[1] then return false end
local tags, marks = cjson.decode(entry[2]), cjson.decode(entry[3])
for i, tag in ipairs(tags) do
  if (redis.call('GET', ARGV[1] .. tag) or '0') ~= marks[i] then
    redis.call('UNLINK', KEYS[1])
    return false
  end
end
return entry[1]
`

/** KEYS: the entry. ARGV: prefix of the tags, bytes, ms, tags as JSON. */
export const writeScript = `
local tags, marks = cjson.decode(ARGV[4]), {}
for i, tag in ipairs(tags) do marks[i] = redis.call('GET', ARGV[1] .. tag) or '0' end
redis.call('HSET', KEYS[1], 'value', ARGV[2], 'tags', ARGV[4], 'marks', cjson.encode(marks))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`

/** KEYS: cooldowns. Replies the milliseconds left of each. */
export const cooldownsScript = `
local left = {}
for i, key in ipairs(KEYS) do left[i] = math.max(0, redis.call('PTTL', key)) end
return left
`
