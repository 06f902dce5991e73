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
