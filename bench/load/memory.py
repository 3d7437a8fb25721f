"""What connections and bodies cost in memory: idle ones, a huge one, slow ones."""

import os
import socket
import statistics
import threading
import time
from pathlib import Path

from crowd import IdleCrowd, SlowReaders
from found import found, wrong
from jobs import Job, weir
from lines import generate
from proxies import PROGRAMS, Failure
from table import LABELS, spread
from tls import client

CLOSED = ("--connections", "64")
IDLE = 10_000
TLS_FIRST, TLS_IDLE = 400, 2_000
SPARE = 1_000  # descriptors that are not for the crowd, and room for connections beside it
BODY = 10 << 30
READERS, READ = 1_000, 2 << 20
PIECE = 64 << 10  # what weir may hold of a body in one direction


def user_memory(subject):
    """Bytes of the processes' own: anonymous memory."""
    return sum(kib(f"/proc/{process}/smaps_rollup", "Anonymous:") for process in subject.processes) << 10


def resident(subject):
    return sum(int(Path(f"/proc/{process}/statm").read_text().split()[1]) for process in subject.processes) * \
        os.sysconf("SC_PAGESIZE")


def kib(path, name):
    return next(int(line.split()[1]) for line in Path(path).read_text().splitlines() if line.startswith(name))


def idle(field, args):
    """Each proxy's user memory without and with the crowd, after it has worked; then the active 64 of two weirs."""
    count = min(IDLE, field.descriptors - SPARE)
    job = Job("crowd", connections=count + SPARE)
    field.start_all(job)
    field.start_proxy("weir-alone", PROGRAMS["weir"], lambda facts: weir(job, facts))
    each, seen = {}, []
    for name in ("nginx", "haproxy", "weir"):
        subject = field.subjects[name]
        seen.append(generate(field, subject, CLOSED, 0.3))
        before = user_memory(subject)
        crowd = IdleCrowd(subject.port, count)
        each[name] = (user_memory(subject) - before) / count
        if name != "weir":
            crowd.leave()
    rounds = [{name: generate(field, field.subjects[name], CLOSED, args.seconds) for name in ("weir-alone", "weir")}
              for _ in range(args.rounds)]
    if crowd.closed():
        seen.append(wrong(f"weir closed {crowd.closed()} idle connections"))
    crowd.leave()
    seen += [one for each_round in rounds for one in each_round.values()]
    told = ", ".join(f"{LABELS[name]} {each[name]:,.0f} B" for name in ("weir", "nginx", "haproxy"))
    least = min(each["nginx"], each["haproxy"])
    rps = spread([(one["weir"]["rps"], one["weir-alone"]["rps"]) for one in rounds])
    return [found(f"{count:,} idle keep-alive connections, user memory each", told, "≤ 512 B and below both",
                  each["weir"] <= 512 and each["weir"] < least, seen, bytes_each=each),
            found(f"requests/s of 64 active beside {count:,} idle", f"{rps['median']:.3f} × ({rps['min']:.3f}–{rps['max']:.3f})",
                  "0.95 or more", rps["median"] >= 0.95, rps=rps,
                  cpu=statistics.median(one["weir"]["cpu_us"] / one["weir-alone"]["cpu_us"] for one in rounds))]


def idle_tls(field, args):
    """What those beyond the first few add: the first ones fill what was there before."""
    field.start_all(Job("tls-crowd", connections=TLS_FIRST + TLS_IDLE + SPARE, tls=True))
    each, seen = {}, []
    for name in ("nginx", "haproxy", "weir"):
        subject = field.subjects[name]
        seen.append(generate(field, subject, (*CLOSED, "--tls"), 0.3))
        crowd = IdleCrowd(subject.port, TLS_FIRST, client())
        before = settled_memory(subject)
        crowd.grow(TLS_IDLE)
        each[name] = (settled_memory(subject) - before) / TLS_IDLE
        if crowd.closed():
            seen.append(wrong(f"{name} closed {crowd.closed()} idle connections"))
        crowd.leave()
    told = ", ".join(f"{LABELS[name]} {each[name]:,.0f} B" for name in ("weir", "nginx", "haproxy"))
    return [found(f"{TLS_IDLE:,} idle connections over TLS, user memory each", told, "below nginx's",
                  each["weir"] < each["nginx"], seen, bytes_each=each)]


def settled_memory(subject):
    """When what is given back by who is idle was given back."""
    time.sleep(1.5)
    return user_memory(subject)


class Watch(threading.Thread):
    """The most that a proxy has of resident memory while something goes on."""

    def __init__(self, subject):
        super().__init__(daemon=True)
        self.subject, self.most, self.over = subject, 0, threading.Event()
        self.before = resident(subject)

    def run(self):
        while not self.over.wait(0.02):
            self.most = max(self.most, resident(self.subject))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()

    def moved(self):
        return max(self.most, resident(self.subject)) - self.before


def body(field, args):
    field.start_proxy("weir", PROGRAMS["weir"], lambda facts: weir(Job("body"), facts))
    subject = field.subjects["weir"]
    seen = [generate(field, subject, CLOSED, 0.3)]
    # Both ways once before, so that what is made once is there.
    download(subject.port, 64 << 20)
    upload(subject.port, 64 << 20)
    out = []
    for what, move in (("response", download), ("request", upload)):
        began = time.monotonic()
        with Watch(subject) as watch:
            move(subject.port, BODY)
        moved, took = watch.moved() / (1 << 20), time.monotonic() - began
        out.append(found(f"a {what} of {BODY >> 30} GiB, resident memory moves by",
                         f"{moved:.2f} MiB ({BODY / took / 1e9:.1f} GB/s)", "≤ 2 MiB", moved <= 2, seen, moved_mib=moved,
                         seconds=took))
        seen = []
    return out


def connected(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def download(port, size):
    buffer = bytearray(1 << 20)
    with connected(port) as connection:
        connection.sendall(f"GET /{size} HTTP/1.1\r\nHost: shop.example\r\nX-User-Id: user-0\r\nConnection: close\r\n\r\n"
                           .encode())
        got, head = 0, None
        while piece := connection.recv_into(buffer):
            if head is None:
                head = bytes(buffer[:piece]).partition(b"\r\n\r\n")[0]
                if not head.startswith(b"HTTP/1.1 200 "):
                    raise Failure(f"the large response began with {head[:80]!r}")
                piece -= len(head) + 4
            got += piece
    if got != size:
        raise Failure(f"of a response of {size:,} bytes {got:,} came")


def upload(port, size):
    """The origin answers when it has counted all of it."""
    piece = memoryview(bytes(1 << 20))
    with connected(port) as connection:
        connection.sendall(f"POST /256 HTTP/1.1\r\nHost: shop.example\r\nX-User-Id: user-0\r\nConnection: close\r\n"
                           f"Content-Length: {size}\r\n\r\n".encode())
        for _ in range(size // len(piece)):
            connection.sendall(piece)
        answer = b""
        while got := connection.recv(4096):
            answer += got
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise Failure(f"the large request was answered {answer[:80]!r}")


def slow_readers(field, args):
    """Memory while they sip; meanwhile others are served; at the end weir's readers get all of what is theirs."""
    field.start_all(Job("slow", large=True, connections=READERS + SPARE, origins="far_"))
    each, seen = {}, []
    for name in ("nginx", "haproxy", "weir"):
        subject = field.subjects[name]
        seen.append(generate(field, subject, CLOSED, 0.3))
        before = user_memory(subject)
        readers = SlowReaders(subject.port, READERS, READ)
        for _ in range(4):
            readers.sip(4096)
            time.sleep(0.25)
        seen.append(generate(field, subject, CLOSED, 0.3))
        each[name] = (user_memory(subject) - before) / READERS
        if name == "weir":
            readers.finish()
        readers.leave()
    told = ", ".join(f"{LABELS[name]} {each[name] / 1024:.1f} KiB" for name in ("weir", "nginx", "haproxy"))
    return [found(f"{READERS:,} slow readers of {READ >> 20} MiB, user memory each", told, f"≤ {PIECE >> 10} KiB",
                  each["weir"] <= PIECE, seen, bytes_each=each)]
