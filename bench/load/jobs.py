"""The jobs that the proxies are given, as configuration files: the same one for each of them.

All split 10% by a hash of X-User-Id, keep connections on both sides, and add X-Forwarded-For and X-Request-Id. weir's
files have no key that config/example.yaml does not have.
"""

from dataclasses import dataclass

from tls import GROUP, SUITE

ENDPOINTS = 200  # addresses 127.0.0.1 … of the origins that have many


@dataclass(frozen=True)
class Job:
    name: str
    logged: bool = False  # a JSON line for each request, to a file
    large: bool = False  # nginx and HAProxy tuned for large bodies
    connections: int = 0  # room for so many clients; 0: what each is given elsewhere
    origins: str = ""  # which ones: "far_" for those that send as over a network
    tls: bool = False  # towards clients

    def pointed(self, facts):
        return {**facts, "old": facts[self.origins + "old"], "new": facts[self.origins + "new"]}


# --- nginx ------------------------------------------------------------------------------------------------------

# Kept connections are not ended after so many requests: neither weir nor HAProxy does that.
NGINX = """\
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {directory}/nginx.pid;
error_log stderr error;
events {{ worker_connections {connections}; }}
http {{
  {log}
  client_body_temp_path {directory}/nginx-body;
  proxy_temp_path {directory}/nginx-proxy;
  fastcgi_temp_path {directory}/nginx-fastcgi;
  uwsgi_temp_path {directory}/nginx-uwsgi;
  scgi_temp_path {directory}/nginx-scgi;
  keepalive_requests 1000000000;
  split_clients $http_x_user_id $version {{
    10% new;
    * old;
  }}
  upstream old {{ server 127.0.0.1:{old}; keepalive 1024; keepalive_requests 1000000000; }}
  upstream new {{ server 127.0.0.1:{new}; keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} {ssl}backlog=4096;
    {certificate}
    {tuned}
    location / {{
      proxy_pass http://$version;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Request-Id $request_id;
    }}
  }}
}}
"""

# What a line of weir's has and nginx knows. Lines leave by 64 KiB or once a second, as weir's do once a tick.
NGINX_LOG = """log_format like_weir escape=json '{"time":"$time_iso8601","request_id":"$request_id",'
    '"client":"$remote_addr","method":"$request_method","host":"$http_host","path":"$uri",'
    '"protocol":"$server_protocol","status":$status,"bytes_in":"$content_length","bytes_out":$body_bytes_sent,'
    '"service":"shop","version":"$version","endpoint":"$upstream_addr","error":"","duration":$request_time,'
    '"upstream_duration":"$upstream_header_time"}';
  access_log DIRECTORY/nginx-access.log like_weir buffer=64k flush=1s;"""


NGINX_CERTIFICATE = """ssl_certificate {0.chain}; ssl_certificate_key {0.key}; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_conf_command Ciphersuites {1}; ssl_ecdh_curve {2}; ssl_session_tickets on; ssl_session_cache off;"""


def nginx(job, facts):
    log = NGINX_LOG.replace("DIRECTORY", str(facts["directory"])) if job.logged else "access_log off;"
    # Without the last two an answer that does not fit goes through a temporary file.
    tuned = "proxy_buffer_size 64k; proxy_buffers 4 64k; proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0;"
    certificate = NGINX_CERTIFICATE.format(facts["certificate"], SUITE, GROUP) if job.tls else ""
    return NGINX.format(**{**facts, "certificate": certificate}, ssl="ssl " if job.tls else "", log=log,
                        tuned=tuned if job.large else "", connections=2 * job.connections or 4096)


# --- HAProxy ----------------------------------------------------------------------------------------------------

HAPROXY = """\
global
  nbthread 1
  maxconn {connections}
  no strict-limits
  {log}
defaults
  mode http
  option http-keep-alive
  http-reuse always
  {tuned}
  timeout connect 2s
  timeout client 75s
  timeout server 60s
frontend edge
  bind 127.0.0.1:{port} {ssl}backlog 4096
  maxconn {connections}
  option forwardfor
  http-request set-header X-Request-Id {id}
  {lines}
  use_backend new if {{ req.hdr(X-User-Id),xxh32,mod(100) lt 10 }}
  default_backend old
backend old
  server old 127.0.0.1:{old}
backend new
  server new 127.0.0.1:{new}
"""

# HAProxy has no log file of its own; standard output, which is a file here, is its nearest way to one.
HAPROXY_LINES = r"""log global
  http-request set-var(txn.host) req.hdr(Host)
  log-format '{{"time":"%Ts.%ms","request_id":"%ID","client":"%ci","method":"%HM","host":"%[var(txn.host),json(utf8s)]","path":"%[var(txn.path),json(utf8s)]","protocol":"%HV","status":%ST,"bytes_in":%U,"bytes_out":%B,"service":"shop","version":"%b","endpoint":"%si:%sp","error":"%tsc","tries":"%rc","duration":%Ta,"upstream_duration":%Tr}}'
  http-request set-var(txn.path) path"""


def haproxy(job, facts):
    lines = HAPROXY_LINES.replace("{{", "{").replace("}}", "}") + "\n  unique-id-format %[uuid()]" if job.logged else ""
    ssl = f"ssl crt {facts['certificate'].both} ciphersuites {SUITE} curves {GROUP} alpn http/1.1 " if job.tls else ""
    return HAPROXY.format(**facts, ssl=ssl, lines=lines, id="%[unique-id]" if job.logged else "%[uuid()]",
                          log="log stdout len 4096 format raw local0" if job.logged else "",
                          tuned="option splice-response" if job.large else "",
                          connections=job.connections or 4096)


# --- weir -------------------------------------------------------------------------------------------------------

WEIR = """\
listeners:
  - address: 127.0.0.1:{port}
{tls}admin:
  address: 127.0.0.1:{admin}
workers: {workers}
{more}services:
{services}"""

SERVICE = """\
  - name: {name}
{match}    cohort:
      key: [header:X-User-Id]
    stable: old
    versions:
      old: {{ endpoints: [{old}]{each} }}
      new: {{ endpoints: [{new}]{each} }}
{rules}    split: {{ new: {share} }}
"""


def weir(job, facts):
    more = f"access_log: {{ path: {facts['directory']}/weir-access.log }}\n" if job.logged else ""
    if job.connections:
        more += f"limits: {{ connections: {job.connections} }}\n"
    return weir_file(facts, [service(facts)], more=more, tls=job.tls)


WEIR_TLS = "    tls: {{ certificates: [{{ chain: {0.chain}, key: {0.key} }}], ciphers: [{1}], groups: [{2}] }}\n"


def weir_file(facts, services, workers=1, more="", tls=False):
    return WEIR.format(**facts, tls=WEIR_TLS.format(facts["certificate"], SUITE, GROUP) if tls else "", workers=workers,
                       more=more, services="".join(services))


def service(facts, name="shop", host=None, rules=(), endpoints=1, share="10%", origins="", each=""):
    """`origins`: which ones, "many_" for those with many addresses or "slow_"; `each`: more keys of each version."""
    def those(version):
        port = facts[origins + version]
        return ", ".join(f"127.0.0.{i + 1}:{port}" for i in range(endpoints))

    told = "    rules:\n" + "".join(f"      - {rule}\n" for rule in rules) if rules else ""
    match = f"    match: [{{ host: {host} }}]\n" if host else ""
    return SERVICE.format(name=name, match=match, old=those("old"), new=those("new"), each=each, rules=told, share=share)


def rules(count):
    """Of ten rules: four exact headers (one a cookie), two path prefixes, one header prefix, two address blocks and one
    regular expression, so 100 of 1,000. A browser's request matches none of them and is asked about all."""
    return [f"{{ name: rule-{i}, when: {{ {condition(i)} }}, send: new }}" for i in range(count)]


def condition(i):
    kind = i % 10
    if kind == 0:
        return f"header: {{ X-Staff: staff-{i} }}"
    if kind in (1, 2):
        return f"header: {{ X-Tenant: tenant-{i} }}"
    if kind == 3:
        return f"cookie: {{ plan: plan-{i} }}"
    if kind in (4, 5):
        return f"path_prefix: /area-{i}"
    if kind == 6:
        return f"header: {{ X-Build: {{ prefix: build-{i}. }} }}"
    if kind in (7, 8):
        return f"client_ip: [10.{i % 250}.{i // 250}.0/24]"
    return f'header: {{ User-Agent: {{ regex: "(?i)robot{i}[/ ]" }} }}'
