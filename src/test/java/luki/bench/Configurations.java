package luki.bench;

/** The files of the other proxies and of the origin. */
final class Configurations {
  private static final String NGINX =
      """
      worker_processes 2;
      daemon off;
      pid %1$s/%2$s.pid;
      error_log %1$s/%2$s.err crit;
      events { worker_connections 16384; }
      http {
        access_log off;
        client_body_temp_path %1$s/%2$s-body;
        proxy_temp_path %1$s/%2$s-proxy;
        fastcgi_temp_path %1$s/%2$s-f;
        uwsgi_temp_path %1$s/%2$s-u;
        scgi_temp_path %1$s/%2$s-s;
        keepalive_requests 100000000;
        keepalive_timeout 100s;
        %3$s
      }
      """;

  private Configurations() {}

  /** Answers at once what a service would. */
  static String origin(String directory, int port) {
    String reply = "{\"status\":\"success\",\"id\":\"" + "x".repeat(115) + "\"}";
    return NGINX.formatted(
        directory,
        "origin",
        """
        default_type application/json;
        server {
          listen 127.0.0.1:%d backlog=4096;
          location /policy { return 200 '{"allowed":true}'; }
          location /health { return 200 '{"status":"healthy"}'; }
          location ~ phases { root %s; try_files /phases.json =404; }
          location / { return 200 '%s'; }
        }
        """
            .formatted(port, directory, reply));
  }

  static String nginxBare(String directory, int port, int origin) {
    return NGINX.formatted(
        directory,
        "bare",
        """
        upstream origin { server 127.0.0.1:%d; keepalive 512; keepalive_requests 100000000; }
        server {
          listen 127.0.0.1:%d backlog=4096;
          location / {
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
          }
        }
        """
            .formatted(origin, port));
  }

  /** The same duties as the gateway, as far as nginx has them; it checks no contract. */
  static String nginxDuties(String directory, int port, int origin, String key) {
    return NGINX.formatted(
        directory,
        "duties",
        """
        map_hash_bucket_size 256;
        map $http_authorization $caller { default ""; "Bearer %s" "bench"; }
        limit_req_zone $caller zone=caller:10m rate=1000000r/s;
        limit_req_zone $server_name zone=all:1m rate=1000000r/s;
        log_format line escape=json '{"ts":"$time_iso8601","method":"$request_method",'
          '"status":$status,"duration":$request_time,"in":$request_length,"out":$bytes_sent,'
          '"id":"$request_id","caller":"$caller","upstream":"$upstream_response_time"}';
        access_log %s/duties.log line buffer=64k flush=1s;
        upstream origin { server 127.0.0.1:%d; keepalive 512; keepalive_requests 100000000; }
        server {
          listen 127.0.0.1:%d backlog=4096;
          server_tokens off;
          location / {
            if ($caller = "") { return 401; }
            limit_req zone=caller burst=1000000 nodelay;
            limit_req zone=all burst=1000000 nodelay;
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Authorization "Bearer the-gateways-own";
            proxy_set_header X-Request-Id $request_id;
            proxy_hide_header Server;
            add_header X-Request-Id $request_id always;
            add_header X-Content-Type-Options nosniff always;
            add_header Referrer-Policy no-referrer always;
            add_header Content-Security-Policy "default-src 'none'" always;
            add_header Cache-Control no-store always;
          }
        }
        """
            .formatted(key, directory, origin, port));
  }

  /**
   * All the duties that the gateway has on this route, in Lua: the key by its HMAC, the body parsed
   * and checked by the operation's rules, the owner, two limits, a JSON log with a hashed caller, a
   * histogram.
   *
   * @param modules where nginx' loadable modules are
   */
  static String nginxLua(
      String modules, String directory, int port, int origin, String key, String pepper) {
    return """
        load_module %1$s/ndk_http_module.so;
        load_module %1$s/ngx_http_lua_module.so;
        """
            .formatted(modules)
        + NGINX.formatted(
            directory,
            "lua",
            """
            lua_shared_dict histogram 1m;
            init_by_lua_block {
            %1$s
            }
            limit_req_zone $caller zone=caller:10m rate=1000000r/s;
            limit_req_zone $server_name zone=all:1m rate=1000000r/s;
            log_format line escape=json '{"ts":"$time_iso8601","level":"info","event":"request",'
              '"method":"$request_method","route":"$route","status":$status,'
              '"duration_ms":$request_time,"bytes_in":$request_length,"bytes_out":$bytes_sent,'
              '"request_id":"$request_id","principal":"$principal","auth":"key",'
              '"upstream":"engagement","upstream_ms":"$upstream_response_time"}';
            access_log %2$s/lua.log line buffer=64k flush=1s;
            upstream origin { server 127.0.0.1:%3$d; keepalive 512; keepalive_requests 100000000; }
            server {
              listen 127.0.0.1:%4$d backlog=4096;
              server_tokens off;
              client_body_buffer_size 1m;
              client_max_body_size 1m;
              location / {
                set $caller "";
                set $principal "";
                set $route "";
                rewrite_by_lua_block { gateway.check() }
                limit_req zone=caller burst=1000000 nodelay;
                limit_req zone=all burst=1000000 nodelay;
                log_by_lua_block { gateway.count() }
                proxy_pass http://origin;
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                proxy_set_header Authorization "Bearer the-gateways-own";
                proxy_set_header X-Request-Id $request_id;
                proxy_hide_header Server;
                add_header X-Request-Id $request_id always;
                add_header X-Content-Type-Options nosniff always;
                add_header Referrer-Policy no-referrer always;
                add_header Content-Security-Policy "default-src 'none'" always;
                add_header Cache-Control no-store always;
              }
            }
            """
                .formatted(luaDuties(pepper, key), directory, origin, port));
  }

  private static String luaDuties(String pepper, String key) {
    return """
      local ffi = require "ffi"
      local cjson = require "cjson.safe"
      ffi.cdef[[
      typedef struct evp_md_st EVP_MD;
      const EVP_MD *EVP_sha256(void);
      unsigned char *HMAC(const EVP_MD *md, const void *key, int key_len,
        const unsigned char *data, size_t n, unsigned char *out, unsigned int *out_len);
      ]]
      local digest = ffi.new("unsigned char[32]")
      local pepper = "%1$s"
      local function hmac(text)
        ffi.C.HMAC(ffi.C.EVP_sha256(), pepper, #pepper, text, #text, digest, nil)
        return ffi.string(digest, 32)
      end
      local function hex(bytes)
        return (bytes:gsub(".", function(c) return string.format("%%02x", c:byte()) end))
      end
      local keys = {}
      local function learn(key)
        local hash = hmac(key)
        keys[hash] = {name = hex(hmac("key:bench")):sub(1, 16), users = {maria_k = true}}
      end
      learn("%2$s")
      local allowed = {user_id = true, interaction_type = true, content = true, timestamp = true}
      local function text(value, longest)
        return type(value) == "string" and #value >= 1 and #value <= longest
      end
      local function valid(body)
        if type(body) ~= "table" then return false end
        for name in pairs(body) do
          if not allowed[name] then return false end
        end
        if not text(body.user_id, 255) or body.user_id:find("[%%c/\\\\;]")
            or body.user_id:find("%%%%%%x%%x") or body.user_id == "." or body.user_id == ".."
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
        local key = sent and sent:match("^[Bb]earer +([%%w_%%-%%.~+/]+=*)$")
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
      """
        .formatted(pepper, key);
  }

  static String haproxy(int port, int origin) {
    return """
    global
      maxconn 4000
      nbthread 2
    defaults
      mode http
      timeout connect 1s
      timeout client 100s
      timeout server 30s
      http-reuse always
    frontend in
      bind 127.0.0.1:%d
      default_backend out
    backend out
      server origin 127.0.0.1:%d pool-max-conn 512
    """
        .formatted(port, origin);
  }

  static String caddy(int port, int origin) {
    return """
    {
      admin off
      auto_https off
    }
    http://127.0.0.1:%d {
      reverse_proxy 127.0.0.1:%d
    }
    """
        .formatted(port, origin);
  }
}
