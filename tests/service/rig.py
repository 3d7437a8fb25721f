"""What the tests of weir as a service share: a weir under a fake supervisor, an origin, files that go away."""
import http.client
import http.server
import json
import os
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PROGRAM = os.environ["WEIR_PROGRAM"]
SOURCE = os.environ["WEIR_SOURCE_DIR"]
PATIENCE = 60.0
SANITIZERS = "ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", ": runtime error: "


def text_of(path):
    """A file of the checkout."""
    with open(SOURCE + "/" + path) as file:
        return file.read()


def wait_until(holds, what, patience=PATIENCE, pause=0.01):
    """Asks again and again; what it gave when it held."""
    end = time.monotonic() + patience
    while True:
        value = holds()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not within %.0f s: %s" % (patience, what))
        time.sleep(pause)


def own_loopback():
    """An address of 127.128.0.0/10 that is this process' own, so that nobody else takes its ports."""
    number = os.getpid()
    return "127.%d.%d.%d" % (128 + (number >> 16) % 64, (number >> 8) % 256, max(1, number % 255))


def free_port(host):
    with socket.socket() as one:
        one.bind((host, 0))
        return one.getsockname()[1]


class Origin:
    """Answers everything with its name, keep-alive; `/fail` with 500, `/slow` after a while; upgrades and echoes."""

    def __init__(self, name):
        origin = self
        self.name, self.slow, self.slow_begun = name, 1.0, 0

        class Answers(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if self.headers.get("Upgrade"):
                    self.close_connection = True
                    self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
                    while data := self.connection.recv(4096):
                        self.connection.sendall(data)
                    return
                if self.path == "/slow":
                    origin.slow_begun += 1
                    time.sleep(origin.slow)
                body = origin.name.encode()
                self.send_response(500 if self.path == "/fail" else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            request_queue_size = 1024

            def handle_error(self, *_):
                pass  # a client that went

        self.host = own_loopback()
        self.server = Server((self.host, 0), Answers)
        self.address = "%s:%d" % self.server.server_address
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Supervisor:
    """The other end of NOTIFY_SOCKET: every notice that came, by whom and when."""

    def __init__(self, directory):
        self.path = directory + "/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(self.path)
        self.notices = []  # (when, process id, {name: value})
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def close(self):
        """The thread ends before the descriptor does: its number may be another supervisor's a moment later."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(PATIENCE)
        self.socket.close()

    def _read(self):
        while True:
            data, ancillary, _, _ = self.socket.recvmsg(65536, 256)
            if not data:
                return
            sender = int.from_bytes(ancillary[0][2][:4], sys.byteorder) if ancillary else 0
            fields = dict(line.split("=", 1) for line in data.decode().split("\n") if "=" in line)
            self.notices.append((time.monotonic(), sender, fields))

    def values(self, name):
        return [fields[name] for _, _, fields in list(self.notices) if name in fields]

    def count(self, name):
        return len(self.values(name))

    def wait_for(self, name, text="", count=1):
        return wait_until(lambda: sum(text in value for value in self.values(name)) >= count,
                          "%s=…%s… %d times; came: %s" % (name, text, count, self.notices))


def connection_to(address, tls=None):
    host, port = address.rsplit(":", 1)
    if tls:
        return http.client.HTTPSConnection(host, int(port), timeout=PATIENCE, context=tls)
    return http.client.HTTPConnection(host, int(port), timeout=PATIENCE)


def answer_of(address, target="/", method="GET", headers=None, body=None, tls=None):
    connection = connection_to(address, tls)
    try:
        connection.request(method, target, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


class Case(unittest.TestCase):
    """A directory, and processes that are ended with the test."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="weir-service-")
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.addCleanup(self.show_log)
        self.addCleanup(self.expect_no_report)
        self.host = own_loopback()
        self.logs = set()

    def show_log(self):
        """What the programs of a test that failed have told."""
        result = self._outcome.result
        if any(one is self for one, _ in result.failures + result.errors) and os.path.exists(self.path("log")):
            print("\n" + self.read("log"), file=sys.stderr)

    def expect_no_report(self):
        """What a sanitizer reported fails the test, whatever the test itself looked at."""
        for name in self.logs:
            written = self.read(name)
            self.assertFalse([text for text in SANITIZERS if text in written], written)

    def path(self, name):
        return self.directory + "/" + name

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def origin(self, name):
        one = Origin(name)
        self.addCleanup(one.close)
        return one

    def start(self, *words, environment=None, log="log", **more):
        """Starts a program; ended by its id at the end of the test. Its log is shown if the test fails."""
        self.logs.add(log)
        with open(self.path(log), "a") as out:
            process = subprocess.Popen(words, stdout=out, stderr=out, env={**os.environ, **(environment or {})}, **more)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
            process.wait()

    def run_to_end(self, *words, **more):
        return subprocess.run(words, capture_output=True, text=True, timeout=300, **more)

    def supervisor(self):
        one = Supervisor(self.directory)
        self.addCleanup(one.close)
        return one

    def configuration(self, edge, old, new=None, share="25%", more="", workers=2):
        self.admin = "%s:%d" % (self.host, free_port(self.host))
        versions = 'old: { endpoints: ["%s"] }' % old
        split = ""
        if new:
            versions += ', new: { endpoints: ["%s"] }' % new
            split = "cohort: { key: [header:X-User-Id] }, stable: old, split: { new: %s }," % share
        return self.write("weir.yaml", """
listeners: [{ name: edge, address: "%s" }]
admin: { address: "%s" }
workers: %s
%s
services: [{ name: shop, %s versions: { %s } }]
""" % (edge, self.admin, workers, more, split, versions))

    def metrics(self):
        return answer_of(self.admin, "/metrics")[1]


class Load:
    """New connections, each with one request, one after another, from a few threads, and some that are kept; what
    failed, and the longest that anybody waited for an answer. `kept_may_end`: a kept connection may end without a word
    between two requests (RFC 9112 9.3.1); else only after an answer that says so."""

    def __init__(self, address, threads=4, kept=2, tls=None, kept_may_end=True):
        self.address, self.failures, self.count = address, [], 0
        self.longest_new, self.longest_kept, self.tls, self.kept_may_end = 0.0, 0.0, tls, kept_may_end
        self.lock, self.ended = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self._anew, daemon=True) for _ in range(threads)]
        self.threads += [threading.Thread(target=self._keeping, daemon=True) for _ in range(kept)]
        for one in self.threads:
            one.start()

    @property
    def longest(self):
        return max(self.longest_new, self.longest_kept)

    def _note(self, began, failure, kept):
        with self.lock:
            self.count += 1
            waited = time.monotonic() - began
            if kept:
                self.longest_kept = max(self.longest_kept, waited)
            else:
                self.longest_new = max(self.longest_new, waited)
            if failure:
                self.failures.append(failure)

    def _anew(self):
        while not self.ended.is_set():
            began, failure = time.monotonic(), None
            try:
                status, _ = answer_of(self.address, headers={"X-User-Id": "u%d" % self.count}, tls=self.tls)
                failure = None if status == 200 else "status %d" % status
            except OSError as error:
                failure = "new connection: %r" % error
            except http.client.HTTPException as error:
                failure = "new connection: %r" % error
            self._note(began, failure, False)

    def _keeping(self):
        """Requests on a kept connection, for as long as the other side does not say that it ends."""
        while not self.ended.is_set():
            connection = connection_to(self.address, self.tls)
            ends, before = False, 0
            while not ends and not self.ended.is_set():
                began, failure = time.monotonic(), None
                try:
                    connection.request("GET", "/")
                    response = connection.getresponse()
                    response.read()
                    ends = response.getheader("Connection", "").lower() == "close"
                    failure = None if response.status == 200 else "status %d" % response.status
                    before += 1
                except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
                    excused = before and self.kept_may_end
                    ends, failure = True, None if excused else "kept connection: %r" % error
                except (OSError, http.client.HTTPException) as error:
                    ends, failure = True, "kept connection: %r" % error
                self._note(began, failure, True)
            connection.close()

    def wait_for(self, more):
        """Until so many more were answered."""
        goal = self.count + more
        wait_until(lambda: self.count >= goal, "%d requests; failed: %s" % (goal, self.failures[:3]))

    def end(self):
        self.ended.set()
        for one in self.threads:
            one.join(PATIENCE)


def main():
    unittest.main(verbosity=2)
