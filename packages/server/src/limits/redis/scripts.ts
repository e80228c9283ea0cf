// What Redis runs for each use, whole and with nothing in between. A window is a hash:
// `s` when it began, `t` what is taken of it. It goes by itself soon after its end.

/**
 * Takes from all of the windows that are its keys, or from none. Before the windows' own arguments come
 * the moment (-1 for Redis's clock), the cost, and 1 where it is charged; each window has its length in
 * milliseconds, its limit, another limit, and the moment until which that one is in force.
 * What costs nothing is written all the same, so that it fails where a use would.
 * Answers whether it was admitted, the moment, and for each window when it began and what is taken.
 */
export const TAKE = `
local now = tonumber(ARGV[1])
if now < 0 then
  local clock = redis.call('TIME')
  now = clock[1] * 1000 + math.floor(clock[2] / 1000)
end
local cost, charged = tonumber(ARGV[2]), ARGV[3] == '1'
local began, taken, admitted = {}, {}, 1
for i, key in ipairs(KEYS) do
  local length, most = tonumber(ARGV[4 * i]), tonumber(ARGV[4 * i + 1])
  if now < tonumber(ARGV[4 * i + 3]) then most = tonumber(ARGV[4 * i + 2]) end
  local found = redis.call('HMGET', key, 's', 't')
  local start, count = tonumber(found[1]), tonumber(found[2])
  if not start or not count or count == 0 or now >= start + length or now <= start - length then
    start, count = now, 0
  end
  began[i], taken[i] = start, count
  if cost > 0 and count + cost > most then admitted = 0 end
end
local answer = { admitted, now }
for i, key in ipairs(KEYS) do
  local ends = began[i] + tonumber(ARGV[4 * i])
  if charged and admitted == 1 then
    taken[i] = taken[i] + cost
    redis.call('HSET', key, 's', began[i], 't', taken[i])
    redis.call('PEXPIRE', key, ends - now + 5000)
  end
  answer[2 * i + 1], answer[2 * i + 2] = began[i], taken[i]
end
return answer`;

/** Gives back the cost, its first argument, to those of its keys whose windows began at the moments that follow. */
export const GIVE_BACK = `
for i, key in ipairs(KEYS) do
  local found = redis.call('HMGET', key, 's', 't')
  if found[1] == ARGV[i + 1] then
    redis.call('HSET', key, 't', math.max(0, tonumber(found[2]) - tonumber(ARGV[1])))
  end
end`;
