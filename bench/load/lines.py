"""The lines of the table, what weir is to reach on each, and one measured round of a line."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from jobs import Job
from proxies import Failure

PLAIN = Job("plain")
LOGGED = Job("logged", logged=True)
LARGE = Job("large", large=True)
TLS = Job("tls", tls=True)
TLS_LARGE = Job("tls-large", tls=True, large=True)


@dataclass(frozen=True)
class Line:
    key: str
    title: str
    options: tuple
    nginx: float = 0  # weir's CPU/request is to be at most so many times nginx's
    haproxy: float = 0
    floor: float = 0  # and the floor's; 0: the floor is not measured
    rps: float = 0  # requests/s are to be at least so many times each peer's
    p99: float = 0  # p99 is to be at most so many times the better peer's
    job: Job = PLAIN
    rate: int = 0  # requests/s offered; 0 is a closed loop
    saturates: bool = True  # should the proxy have no idle time; not where one request at a time is under way
    tail: bool = False  # it is about latency: many short rounds, and the floor's beside it
    quick: bool = False  # is it in a quick run

    def target(self, other):
        return {"nginx": self.nginx, "haproxy": self.haproxy, "floor": self.floor}[other]


def closed(key, title, connections, *more, **kinds):
    return Line(key, title, ("--connections", str(connections), *more), **kinds)


LINES = [
    closed("64", "256 B, 64 connections", 64, nginx=0.68, haproxy=0.72, floor=1.10, rps=1.4, quick=True),
    closed("512", "256 B, 512 connections", 512, nginx=0.58, haproxy=0.62, rps=1.4),
    closed("8", "256 B, 8 connections", 8, nginx=0.80, haproxy=0.80),
    closed("1", "256 B, 1 connection", 1, nginx=1.0, haproxy=0.95, saturates=False),
    Line("rate", "fixed 20,000/s (Poisson), 64 connections", ("--connections", "64", "--rate", "20000"), nginx=0.92,
         haproxy=0.85, p99=1.0, rate=20000, saturates=False, tail=True, quick=True),
    closed("log", "access log on (JSON to a file), 64 connections", 64, nginx=0.68, haproxy=0.72, job=LOGGED),
    closed("16k", "16 KiB, 64 connections", 64, "--body", "16384", nginx=0.68, haproxy=0.72),
    closed("256k", "256 KiB, 64 connections, peers tuned", 64, "--body", "262144", nginx=0.50, haproxy=0.90, job=LARGE),
    closed("1m", "1 MiB, 64 connections, peers tuned", 64, "--body", "1048576", nginx=0.55, haproxy=0.85, job=LARGE),
    closed("new", "a new connection for each request, 64 at a time", 64, "--no-keep-alive", nginx=0.90, haproxy=0.90,
           quick=True),
    closed("post", "POST of 4 KiB, 64 connections", 64, "--post", "4096", nginx=0.68, haproxy=0.72),
    closed("tls-64", "TLS: 256 B, 64 connections", 64, "--tls", nginx=0.75, haproxy=0.75, job=TLS),
    # What takes a proxy's core whole is as many handshakes a second fewer as each costs more: 0.95 of the better's.
    closed("tls-full", "TLS: a full handshake for each request, 64 at a time", 64, "--tls", "--no-keep-alive",
           nginx=1.05, haproxy=1.05, job=TLS),
    closed("tls-resumed", "TLS: a resumed handshake for each request, 64 at a time", 64, "--tls", "--no-keep-alive", "--resume",
           nginx=1.0, haproxy=1.0, job=TLS),
    closed("tls-1m", "TLS: 1 MiB, 16 connections, peers tuned", 16, "--tls", "--body", "1048576", nginx=0.90, haproxy=0.90,
           job=TLS_LARGE),
]


def core_ticks(core):
    """(idle, all) ticks of a core so far; (0, 0) where the kernel does not tell."""
    for line in Path("/proc/stat").read_text().splitlines():
        words = line.split()
        if words[0] == f"cpu{core}":
            ticks = [int(word) for word in words[1:9]]
            return ticks[3] + ticks[4], sum(ticks)
    return 0, 0


def measure(field, subject, line, seconds, warm_up=0.25):
    """One round of a line."""
    seen = generate(field, subject, line.options, seconds, warm_up)
    if not 0.05 < seen["new_share"] < 0.15 and subject.name != "floor" and not seen["errors"]:
        seen["errors"] = 1
        seen["first_error"] = f"{seen['new_share']:.1%} of the requests were answered by new, not about 10%"
    return seen


def generate(field, subject, options, seconds, warm_up=0.25, cores=None):
    """What the generator saw, as a dict, and how much of the proxies' core was idle meanwhile."""
    command = ["taskset", "-c", cores or str(field.cores[1]), str(field.programs / "load_generator"), "--port",
               str(subject.port), "--seconds", str(seconds), "--warm-up", str(warm_up), *options]
    for process in subject.processes:
        command += ["--process", str(process)]
    field.check_alive(subject)
    idle, ticks = core_ticks(field.cores[0])
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + warm_up + 30)
    except subprocess.TimeoutExpired:
        raise Failure(f"the generator did not end with {subject.name} ({' '.join(options)}): it hangs in a connect; "
                      f"see {subject.log}") from None
    field.check_alive(subject)
    if not run.stdout.startswith("{"):
        raise Failure(f"the generator gave up with {subject.name} ({' '.join(options)}: {run.stderr.strip()}): see "
                      f"{subject.log}")
    seen = json.loads(run.stdout)
    idle_after, ticks_after = core_ticks(field.cores[0])
    if seen["errors"]:
        seen["first_error"] = f"{subject.name}: {seen['first_error']}"
    seen["core_idle"] = (idle_after - idle) / max(ticks_after - ticks, 1)
    return seen
