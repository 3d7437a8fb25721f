"""The lines of the table, and one measured round of a line."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from proxies import Failure


@dataclass(frozen=True)
class Line:
    key: str
    title: str
    options: tuple
    floor: bool = False  # is the floor measured too
    rate: int = 0  # requests/s offered; 0 is a closed loop
    saturates: bool = True  # should the proxy have no idle time; not where one request at a time is under way
    quick: bool = False  # is it in a quick run


def closed(key, title, connections, *more, **kinds):
    return Line(key, title, ("--connections", str(connections), *more), **kinds)


def fixed(key, title, connections, rate, **kinds):
    return Line(key, title, ("--connections", str(connections), "--rate", str(rate)), rate=rate,
                saturates=False, **kinds)


LINES = [
    closed("64", "256 B, 64 connections, closed loop", 64, floor=True, quick=True),
    closed("512", "256 B, 512 connections, closed loop", 512),
    closed("8", "256 B, 8 connections, closed loop", 8),
    closed("1", "256 B, 1 connection, closed loop", 1, saturates=False),
    closed("16k", "16 KiB, 64 connections, closed loop", 64, "--body", "16384"),
    closed("post", "POST of 4 KiB, 64 connections, closed loop", 64, "--post", "4096"),
    fixed("rate", "256 B, 64 connections, fixed 20,000/s (Poisson; latency from the intended start)", 64, 20000,
          quick=True),
    closed("new", "256 B, 64 at a time, a new connection for each request", 64, "--no-keep-alive", quick=True),
]


def core_ticks(core):
    """(idle, all) ticks of a core so far; (0, 0) where the kernel does not tell."""
    for line in Path("/proc/stat").read_text().splitlines():
        words = line.split()
        if words[0] == f"cpu{core}":
            ticks = [int(word) for word in words[1:9]]
            return ticks[3] + ticks[4], sum(ticks)
    return 0, 0


def measure(field, subject, line, seconds, warm_up):
    """One round: what the generator saw, as a dict, and how much of the proxies' core was idle meanwhile."""
    command = ["taskset", "-c", str(field.cores[1]), str(field.programs / "load_generator"), "--port", str(subject.port),
               "--seconds", str(seconds), "--warm-up", str(warm_up), *line.options]
    for process in subject.processes:
        command += ["--process", str(process)]
    field.check_alive(subject)
    idle, ticks = core_ticks(field.cores[0])
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + warm_up + 30)
    except subprocess.TimeoutExpired:
        raise Failure(f"the generator did not end on line {line.key} with {subject.name}: it hangs in a connect; see "
                      f"{subject.log}") from None
    field.check_alive(subject)
    if not run.stdout.startswith("{"):
        raise Failure(f"the generator gave up on line {line.key} with {subject.name} ({run.stderr.strip()}): see "
                      f"{subject.log}")
    seen = json.loads(run.stdout)
    idle_after, ticks_after = core_ticks(field.cores[0])
    seen["core_idle"] = (idle_after - idle) / max(ticks_after - ticks, 1)
    if not 0.05 < seen["new_share"] < 0.15 and subject.name != "floor" and not seen["errors"]:
        seen["errors"] = 1
        seen["first_error"] = f"{seen['new_share']:.1%} of the requests were answered by new, not about 10%"
    return seen
