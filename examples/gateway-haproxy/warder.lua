-- Asks Warder whether a request may pass. HAProxy has no authentication sub-request of
-- its own: this makes one with its HTTP client (2.5 or later), for a plan of the kind
-- forward-auth. Any failure is a refusal.

-- All of them are set on every request that passes, empty where Warder has nothing to say.
local identity = {
  'x-warder-key-id',
  'x-warder-workspace-id',
  'x-warder-owner-id',
  'x-warder-scopes',
  'x-warder-environment',
}

-- What Warder looks for a key in: the carriages of its plan.
local carriages = { 'authorization', 'x-api-key' }

-- What the client is told with a refusal.
local told = {
  'content-type',
  'cache-control',
  'www-authenticate',
  'retry-after',
  'ratelimit',
  'ratelimit-policy',
  'x-warder-reason',
}

-- Sent along where --gateway-secret-file is set.
local secret = os.getenv('WARDER_GATEWAY_SECRET')

local timeout_milliseconds = 5000

local function refuse(txn, status, headers, body)
  local reply = txn:reply()
  reply:set_status(status)
  for name, value in pairs(headers) do reply:add_header(name, value) end
  reply:set_body(body)
  txn:done(reply)
end

core.register_action('warder', { 'http-req' }, function(txn, address)
  local headers = {
    ['x-forwarded-method'] = { txn.sf:method() },
    ['x-forwarded-uri'] = { txn.sf:pathq() },
    ['x-forwarded-for'] = { txn.sf:src() },
  }
  if secret then headers['x-warder-gateway-secret'] = { secret } end
  local sent = txn.http:req_get_headers()
  for _, name in ipairs(carriages) do
    if sent[name] then
      -- Each of them, so that two are seen to be two. HAProxy counts from 0.
      local values = {}
      for _, value in pairs(sent[name]) do values[#values + 1] = value end
      headers[name] = values
    end
  end

  local answer = core.httpclient():get({
    url = 'http://' .. address .. '/',
    headers = headers,
    timeout = timeout_milliseconds,
  })
  local status = answer and answer.status or 0
  local function header(name)
    local values = answer and answer.headers and answer.headers[name]
    return values and (values[0] or values[1])
  end

  if status == 200 then
    for _, name in ipairs(identity) do txn.http:req_set_header(name, header(name) or '') end
    local expires = header('warder-key-expires')
    if expires then txn:set_var('txn.warder_key_expires', expires) end
    local limits = header('ratelimit-policy')
    if limits then
      txn:set_var('txn.warder_limits', limits)
      txn:set_var('txn.warder_limits_now', header('ratelimit'))
    end
    return
  end
  if status < 400 then
    return refuse(txn, 503, { ['x-warder-reason'] = 'unavailable', ['retry-after'] = '1' }, '')
  end
  local passed_on = {}
  for _, name in ipairs(told) do passed_on[name] = header(name) end
  refuse(txn, status, passed_on, answer.body or '')
end, 1)
