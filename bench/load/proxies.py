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

import jobs
import tls

PATIENCE_S = 10
SLOW_MS = 20  # what the slow origins take to answer
SEGMENT = 1460  # what the far origins send at a time; over loopback it would be 64 KiB
ENDPOINTS = jobs.ENDPOINTS


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
    admin: int = 0  # weir's
    processes: list = field(default_factory=list)  # itself and its workers


def free_ports(count):
    """Ports that the kernel had free a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def connection_to(port, secured):
    if secured:
        return http.client.HTTPSConnection("127.0.0.1", port, timeout=2, context=tls.client())
    return http.client.HTTPConnection("127.0.0.1", port, timeout=2)


def last_line(path):
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def children(process):
    path = Path(f"/proc/{process}/task/{process}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def state(process):
    """One letter; Z is a zombie."""
    return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]


def access_log(directory, name):
    return directory / f"{name}-access.log"


def count_lines(path):
    found = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found += block.count(b"\n")
    return found


def raise_descriptors():
    """How many descriptors this process, and those that it starts, may have: the hard limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


@dataclass(frozen=True)
class Program:
    """How a proxy is found, told its job and started."""

    variable: str  # of the environment: names another build
    fallback: str  # a path (below the build) or a name
    advice: str
    file: object  # (job, facts) -> the configuration's text
    suffix: str
    arguments: tuple
    ask_version: str

    def find(self, build):
        wanted = os.environ.get(self.variable) or self.fallback.format(build=build)
        found = shutil.which(wanted, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if found is None:
            raise Failure(f"{wanted} is not here: {self.advice}")
        return found


PROGRAMS = {
    "weir": Program("WEIR", "{build}/weir", "build it with ./dev bench, or set WEIR", jobs.weir, "yaml",
                    ("run", "-c"), "version"),
    "nginx": Program("NGINX", "nginx", "apt-get install nginx, or set NGINX to another build", jobs.nginx, "conf",
                     ("-e", "stderr", "-c"), "-v"),
    "haproxy": Program("HAPROXY", "haproxy", "apt-get install haproxy, or set HAPROXY to another build", jobs.haproxy,
                       "cfg", ("-db", "-f"), "-v"),
}


class Field:
    """Origins, proxies and the floor; ends what it started."""

    def __init__(self, directory, build, cores):
        self.directory = directory
        self.build = build  # where weir was built; load_generator, load_origin, load_floor are in bench below it
        self.programs = build / "bench"
        self.cores = cores  # (proxies', generator's and origins')
        self.subjects = {}
        self.versions = {}  # of the proxies, as they tell it
        self.started = []
        self.descriptors = raise_descriptors()
        self.facts = {"directory": directory, "descriptors": self.descriptors, "certificate": tls.certificate(directory),
                      "user": "user root;" if os.geteuid() == 0 else ""}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(self.started)

    def end(self, processes):
        for process in reversed(processes):
            process.terminate()
        for process in reversed(processes):
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.started = [process for process in self.started if process not in processes]

    def end_subjects(self):
        """The origins stay."""
        self.end([subject.process for subject in self.subjects.values()])
        self.subjects = {}

    def start(self, cores, name, *command):
        """What it prints is in NAME.log, for HAProxy only its errors: its standard output is its access log."""
        log = self.directory / f"{name}.log"
        # nginx would take $NGINX, which is ours, for sockets that it inherits.
        environment = {key: value for key, value in os.environ.items() if key != "NGINX"}
        access = access_log(self.directory, name)
        access.unlink(missing_ok=True)
        with log.open("w") as told, access.open("ab") as lines:
            out = lines if name.startswith("haproxy") else told
            process = subprocess.Popen(["taskset", "-c", cores, *map(str, command)], stdout=out, stderr=told,
                                       stdin=subprocess.DEVNULL, env=environment)
        self.started.append(process)
        return process, log

    def start_origins(self):
        names = ("old", "new", "unchecked", "many_old", "many_new", "slow_old", "slow_new", "far_old",
                 "far_new")
        self.facts.update(zip(names, free_ports(len(names))))
        at = self.facts
        sites = [f"{at['old']}=old", f"{at['new']}=new", f"{at['unchecked']}=old:unchecked",
                 f"{at['many_old']}=old:addresses={ENDPOINTS}", f"{at['many_new']}=new:addresses={ENDPOINTS}",
                 f"{at['slow_old']}=old:delay={SLOW_MS}", f"{at['slow_new']}=new:delay={SLOW_MS}",
                 f"{at['far_old']}=old:segment={SEGMENT}", f"{at['far_new']}=new:segment={SEGMENT}"]
        process, log = self.start(str(self.cores[1]), "origins", self.programs / "load_origin",
                                  *(f"--serve={site}" for site in sites))
        self.wait_for("the origins", at["unchecked"], process, log, f"see {log}")

    def start_floor(self):
        port, = free_ports(1)
        process, log = self.start(str(self.cores[0]), "floor", self.programs / "load_floor", "--listen", port, "--to",
                                  self.facts["unchecked"])
        self.add("floor", port, process, log, f"see {log}")

    def start_all(self, job):
        for kind, program in PROGRAMS.items():
            self.start_proxy(kind, program, lambda facts, program=program: program.file(job, job.pointed(facts)),
                             secured=job.tls)

    def start_proxy(self, name, program, file_of, cores=None, host="shop.example", secured=False):
        """`file_of` makes the configuration of the facts, ports among them; `cores` are the first one's unless given;
        `secured`: it speaks TLS."""
        found = program.find(self.build)
        port, admin = free_ports(2)
        file = self.directory / f"{name}.{program.suffix}"
        file.write_text(file_of({**self.facts, "port": port, "admin": admin}))
        process, log = self.start(cores or str(self.cores[0]), name, found, *program.arguments, file)
        advice = f"its output is in {log}; {program.variable} may name another build"
        self.add(name, port, process, log, advice, host, secured)
        self.subjects[name].admin = admin
        told = subprocess.run([found, program.ask_version], capture_output=True, text=True)
        self.subjects[name].version = ((told.stdout + told.stderr).strip().splitlines() or ["of unknown version"])[0]
        return self.subjects[name]

    def add(self, name, port, process, log, advice, host="shop.example", secured=False):
        self.wait_for(name, port, process, log, advice, host, secured)
        self.subjects[name] = Subject(name, port, process, log, processes=[process.pid, *children(process.pid)])

    def wait_for(self, name, port, process, log, advice, host="shop.example", secured=False):
        """Until it answers 200 with a version's name."""
        deadline = time.monotonic() + PATIENCE_S
        told = "it did not answer"
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise Failure(f"{name} ended at its start with code {process.returncode} ({last_line(log)}): {advice}")
            try:
                connection = connection_to(port, secured)
                connection.request("GET", "/256", headers={"Host": host, "X-User-Id": "user-0"})
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

    def lines_missing(self, subject, lines):
        """How many of so many its access log does not have, though it was given time to write them."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            found = count_lines(access_log(self.directory, subject.name))
            if found >= lines or time.monotonic() > deadline:
                return max(lines - found, 0)
            time.sleep(0.05)

    def empty_access_logs(self):
        """Between rounds, so that they do not fill the disk; all of them append."""
        for name in self.subjects:
            if access_log(self.directory, name).exists():
                os.truncate(access_log(self.directory, name), 0)
