"""The steps of the tagged cache that must be one in Redis, in its Lua.

An entry is `<moment>\\n<tag>\\t<tag>…\\n<content>`. A moment is Redis's own clock in microseconds, so that readers, writers and
evictors on different machines need not agree about the time. The entries' tags lie inside the entries: the keys of their
stamps cannot be named beforehand, which a Redis Cluster would ask for.
"""

from __future__ import annotations

_CLOCK = """
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local function text(moment) return string.format('%.0f', moment) end
"""

_VALID = """
local function valid(entry, since)
  local moment, tags = string.match(entry, '^(%d+)\\n([^\\n]*)\\n')
  moment = tonumber(moment)
  if not moment or moment < since then return false end
  local keys = {}
  for tag in string.gmatch(tags, '[^\\t]+') do keys[#keys + 1] = ARGV[1] .. tag end
  if #keys == 0 then return true end
  for _, stamp in ipairs(redis.call('MGET', unpack(keys))) do
    if stamp and tonumber(stamp) >= moment then return false end
  end
  return true
end
"""

READ = (
    _CLOCK
    + _VALID
    + """
local now = clock()
local since = tonumber(redis.call('GET', KEYS[1]) or nil)
if not since then
  since = now
  redis.call('SET', KEYS[1], text(now))
end
local found = {text(now)}
for index = 2, #KEYS do
  local entry = redis.call('GET', KEYS[index])
  if entry and not valid(entry, since) then
    redis.call('UNLINK', KEYS[index])
    entry = false
  end
  found[index] = entry
end
return found
"""
)
"""KEYS: the start of memory, then the entries. ARGV: the prefix of stamps. Answers the moment and each entry or nil."""

WRITE = (
    _VALID
    + """
local since = tonumber(redis.call('GET', KEYS[1]) or nil)
if not since then return 0 end
local kept = 0
for index = 2, #KEYS do
  local entry = ARGV[index * 2 - 1]
  if valid(entry, since) then
    redis.call('SET', KEYS[index], entry, 'PX', ARGV[index * 2 - 2])
    kept = kept + 1
  end
end
return kept
"""
)
"""KEYS as READ. ARGV: the prefix of stamps, then each entry's milliseconds to live and the entry. Answers how many were kept."""

EVICT = (
    _CLOCK
    + """
local now = text(clock())
for _, stamp in ipairs(KEYS) do redis.call('SET', stamp, now, 'PX', ARGV[1]) end
return now
"""
)
"""KEYS: the stamps of the tags. ARGV: their milliseconds to live."""
