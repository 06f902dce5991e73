local ffi = require "ffi"
local cjson = require "cjson.safe"
ffi.cdef[[
typedef struct evp_md_st EVP_MD;
const EVP_MD *EVP_sha256(void);
unsigned char *HMAC(const EVP_MD *md, const void *key, int key_len,
  const unsigned char *data, size_t n, unsigned char *out, unsigned int *out_len);
]]
local digest = ffi.new("unsigned char[32]")
local pepper = "@PEPPER@"
local function hmac(text)
  ffi.C.HMAC(ffi.C.EVP_sha256(), pepper, #pepper, text, #text, digest, nil)
  return ffi.string(digest, 32)
end
local function hex(bytes)
  return (bytes:gsub(".", function(c) return string.format("%02x", c:byte()) end))
end
local keys = {}
local function learn(key)
  local hash = hmac(key)
  keys[hash] = {name = hex(hmac("key:bench")):sub(1, 16), users = {maria_k = true}}
end
learn("@KEY@")
local allowed = {user_id = true, interaction_type = true, content = true, timestamp = true}
local function text(value, longest)
  return type(value) == "string" and #value >= 1 and #value <= longest
end
local function valid(body)
  if type(body) ~= "table" then return false end
  for name in pairs(body) do
    if not allowed[name] then return false end
  end
  if not text(body.user_id, 255) or body.user_id:find("[%c/\\;]")
      or body.user_id:find("%%%x%x") or body.user_id == "." or body.user_id == ".."
      or not text(body.interaction_type, 255)
      or (body.timestamp ~= nil and not text(body.timestamp, 64)) then
    return false
  end
  if body.content ~= nil then
    if type(body.content) ~= "table" then return false end
    local count = 0
    for name in pairs(body.content) do
      count = count + 1
      if type(name) ~= "string" or #name > 255 then return false end
    end
    return count <= 64
  end
  return true
end
local function refuse(status, code)
  ngx.status = status
  ngx.header.content_type = "application/json; charset=utf-8"
  ngx.say(cjson.encode({error = {code = code}}))
  return ngx.exit(status)
end
local bounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
gateway = {}
function gateway.check()
  local var = ngx.var
  local sent = var.http_authorization
  local key = sent and sent:match("^[Bb]earer +([%w_%-%.~+/]+=*)$")
  local caller = key and keys[hmac(key)]
  if not caller then return refuse(401, "UNAUTHENTICATED") end
  if var.request_method == "POST" then
    if var.uri ~= "/v1/engagement/interactions" then return refuse(404, "NOT_FOUND") end
    if var.http_content_type ~= "application/json" then
      return refuse(415, "UNSUPPORTED_MEDIA_TYPE")
    end
    ngx.req.read_body()
    local body = cjson.decode(ngx.req.get_body_data() or "")
    if not valid(body) then return refuse(400, "INVALID_REQUEST") end
    if not caller.users[body.user_id] then return refuse(403, "NOT_OWNER") end
  end
  var.caller = caller.name
  var.principal = caller.name
  var.route = var.uri
end
function gateway.count()
  local took = ngx.now() - ngx.req.start_time()
  local dict = ngx.shared.histogram
  local bucket = #bounds + 1
  for i = 1, #bounds do
    if took <= bounds[i] then bucket = i break end
  end
  dict:incr(ngx.status .. ":" .. bucket, 1, 0)
  dict:incr("sum", took, 0)
end
