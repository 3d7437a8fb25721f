"""The proxies that are measured, all given the same job, and the origins behind them.

Each gets one worker on the first core; the origins (and the generator) have the second one. Everything is started by
this program and ended by its process id.
"""

import http.client
import os
import resource
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_S = 10

WEIR = """\
listeners:
  - address: 127.0.0.1:{port}
admin:
  address: 127.0.0.1:{admin}
workers: 1
services:
  - name: shop
    cohort:
      key: [header:X-User-Id]
    stable: old
    versions:
      old: {{ endpoints: [127.0.0.1:{old}] }}
      new: {{ endpoints: [127.0.0.1:{new}] }}
    split: {{ new: 10% }}
"""

# Kept connections are not ended after so many requests: neither weir nor HAProxy does that.
NGINX = """\
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {directory}/nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
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
    listen 127.0.0.1:{port} backlog=4096;
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

HAPROXY = """\
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout connect 2s
  timeout client 75s
  timeout server 60s
frontend edge
  bind 127.0.0.1:{port} backlog 4096
  option forwardfor
  http-request set-header X-Request-Id %[uuid()]
  use_backend new if {{ req.hdr(X-User-Id),xxh32,mod(100) lt 10 }}
  default_backend old
backend old
  server old 127.0.0.1:{old}
backend new
  server new 127.0.0.1:{new}
"""


class Failure(Exception):
    """What went wrong, and what to do: one sentence for the user."""


@dataclass
class Subject:
    """A running proxy (or the floor)."""

    name: str
    port: int
    process: subprocess.Popen
    log: Path
    version: str = ""
    processes: list = field(default_factory=list)  # itself and its workers


def free_ports(count):
    """Ports that the kernel had free a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def last_line(path):
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def children(process):
    path = Path(f"/proc/{process}/task/{process}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def state(process):
    """One letter; Z is a zombie."""
    return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]


class Field:
    """Origins, proxies and the floor; ends what it started."""

    def __init__(self, directory, programs, cores):
        self.directory = directory
        self.programs = programs  # load_generator, load_origin, load_floor: where they are
        self.cores = cores  # (proxies', generator's and origins')
        self.subjects = {}
        self.started = []
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.facts = {"directory": directory, "descriptors": hard, "user": "user root;" if os.geteuid() == 0 else ""}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.started):
            process.terminate()
        for process in reversed(self.started):
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, core, name, *command):
        log = self.directory / f"{name}.log"
        # nginx would take $NGINX, which is ours, for sockets that it inherits.
        environment = {key: value for key, value in os.environ.items() if key != "NGINX"}
        with log.open("w") as out:
            process = subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], stdout=out, stderr=out,
                                       stdin=subprocess.DEVNULL, env=environment)
        self.started.append(process)
        return process, log

    def start_origins(self):
        ports = free_ports(3)
        self.facts.update(zip(("old", "new", "unchecked"), ports))
        old, new, unchecked = ports
        process, log = self.start(self.cores[1], "origins", self.programs / "load_origin", f"--serve={old}=old",
                                  f"--serve={new}=new", f"--serve={unchecked}=old:unchecked")
        self.wait_for("the origins", unchecked, process, log, f"see {log}")

    def start_floor(self):
        port, = free_ports(1)
        process, log = self.start(self.cores[0], "floor", self.programs / "load_floor", "--listen", port, "--to",
                                  self.facts["unchecked"])
        self.add("floor", port, process, log, f"see {log}")

    def start_proxy(self, name, program, advice):
        """`program` is a path or a name to look for; `advice` says what to do if it is not here."""
        found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if found is None:
            raise Failure(f"{name} is not here ({program}): {advice}")
        port, admin = free_ports(2)
        template, suffix, arguments, ask_version = {
            "weir": (WEIR, "yaml", ["run", "-c"], "version"),
            "nginx": (NGINX, "conf", ["-e", "stderr", "-c"], "-v"),
            "haproxy": (HAPROXY, "cfg", ["-db", "-f"], "-v"),
        }[name]
        file = self.directory / f"{name}.{suffix}"
        file.write_text(template.format(port=port, admin=admin, **self.facts))
        process, log = self.start(self.cores[0], name, found, *arguments, file)
        self.add(name, port, process, log, f"its output is in {log}; {name.upper()} may name another build")
        told = subprocess.run([found, ask_version], capture_output=True, text=True)
        self.subjects[name].version = ((told.stdout + told.stderr).strip().splitlines() or ["of unknown version"])[0]

    def add(self, name, port, process, log, advice):
        self.wait_for(name, port, process, log, advice)
        self.subjects[name] = Subject(name, port, process, log, processes=[process.pid, *children(process.pid)])

    def wait_for(self, name, port, process, log, advice):
        """Until it answers 200 with a version's name."""
        deadline = time.monotonic() + PATIENCE_S
        told = "it did not answer"
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise Failure(f"{name} ended at its start with code {process.returncode} ({last_line(log)}): {advice}")
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
                connection.request("GET", "/256", headers={"Host": "shop.example", "X-User-Id": "user-0"})
                answer = connection.getresponse()
                body = answer.read()
                connection.close()
                if answer.status == 200 and body[:4] in (b"old\n", b"new\n"):
                    return
                told = f"it answered {answer.status} {body[:80]!r}"
            except (OSError, http.client.HTTPException) as error:
                told = str(error)
            time.sleep(0.05)
        raise Failure(f"{name} did not serve within {PATIENCE_S} s ({told}): {advice}")

    def check_alive(self, subject):
        for process in subject.processes:
            try:
                alive = state(process) != "Z"
            except OSError:
                alive = False
            if not alive:
                raise Failure(f"{subject.name} ended while it was measured ({last_line(subject.log)}): see {subject.log}")
