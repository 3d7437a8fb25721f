"""What the tests of upgrades share: a weir that hands over to a new process of its program while it serves."""
import ctypes
import glob
import os
import shutil
import signal
import socket
import threading

import rig

PR_SET_CHILD_SUBREAPER = 36
UNDER_WAY = 6.0  # s: what a request to /slow takes

GATED = '#!/bin/sh\nwhile [ ! -e "%s" ]; do sleep 0.02; done\nexec "%s" "$@"\n'


class Upgrading(rig.Case):
    def setUp(self):
        super().setUp()
        # What the upgraded weir starts belongs to init; here that is us, so that it can be ended with the test.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.supervised = self.supervisor()
        self.old, self.new = self.origin("old"), self.origin("new")
        self.old.slow = UNDER_WAY
        # A program that can be replaced, as a package does.
        self.program = self.path("weir")
        shutil.copy(rig.PROGRAM, self.program)
        self.addCleanup(self.end_successors)

    def children(self):
        found = []
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path) as file:
                    state, parent = file.read().rsplit(")", 1)[1].split()[:2]
            except OSError:
                continue
            if int(parent) == os.getpid() and state != "Z":
                found.append(int(path.split("/")[2]))
        return found

    def successors(self):
        """Those that were started to take over."""
        found = []
        for child in self.children():
            try:
                with open("/proc/%d/environ" % child) as file:
                    if "WEIR_ESTATE=" in file.read():
                        found.append(child)
            except OSError:
                pass
        return found

    def end_successors(self):
        for child in self.successors():
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    def weir(self, edge=None, state=True, more="", start=None):
        self.edge = edge or "%s:%d" % (self.host, rig.free_port(self.host))
        if state:
            more += "\nstate: { directory: %s }" % self.path("state")
        if not os.path.exists(self.path("weir.yaml")):
            self.configuration(self.edge, self.old.address, self.new.address, share="0%", more=more)
        environment = {"NOTIFY_SOCKET": self.supervised.path, "WATCHDOG_USEC": "900000"}
        if start:
            self.process = start(environment)
        else:
            self.process = self.start(self.program, "run", "-c", self.path("weir.yaml"), environment=environment)
        self.supervised.wait_for("READY")

    def ask(self, *words):
        return self.run_to_end(rig.PROGRAM, *words, "--admin", self.admin)

    def asked(self, *words):
        done = self.ask(*words)
        self.assertEqual(done.returncode, 0, done.stderr + self.read("log"))
        return done.stdout

    def upgrade(self):
        """The successor's id, once it serves."""
        successor = int(self.asked("upgrade").split()[1])
        self.supervised.wait_for("MAINPID", str(successor))
        rig.wait_until(lambda: self.told(successor, "READY"), "the new one is ready")
        return successor

    def told(self, sender, name):
        return sum(by == sender and name in fields for _, by, fields in list(self.supervised.notices))

    def connect(self):
        host, port = self.edge.rsplit(":", 1)
        client = socket.create_connection((host, int(port)), timeout=rig.PATIENCE)
        self.addCleanup(client.close)
        return client

    def slow_request(self):
        client, before = self.connect(), self.old.slow_begun
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        rig.wait_until(lambda: self.old.slow_begun > before, "the request is at the origin")
        return client

    def websocket(self):
        client = self.connect()
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        self.assertIn(b"101 Switching", client.recv(4096))
        return client

    def replace_program(self, text):
        os.rename(self.write("new-program", text), self.program)
        os.chmod(self.program, 0o755)

    def stays(self, why):
        done = self.ask("upgrade")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stderr, why)
        self.assertIsNone(self.process.poll())
        self.assertEqual(self.supervised.values("MAINPID"), [])
        rig.wait_until(lambda: not self.successors(), "nothing is left of the new one")
        self.assertEqual(rig.answer_of(self.edge)[0], 200)
        self.asked("split", "set", "shop", "new=12%")
        self.asked("split", "set", "shop", "new=0%")

    def gated(self):
        """An upgrade that waits for `open_gate`; the thread gets what came of it."""
        self.replace_program(GATED % (self.path("gate"), rig.PROGRAM))
        answers = []
        asking = threading.Thread(target=lambda: answers.append(self.ask("upgrade")), daemon=True)
        asking.start()
        rig.wait_until(self.successors, "the new program is started")
        return asking, answers

    def open_gate(self):
        self.write("gate", "")

    def weir_with_rollout(self, state=True):
        self.edge = "%s:%d" % (self.host, rig.free_port(self.host))
        more = "state: { directory: %s }" % self.path("state") if state else ""
        self.configuration(self.edge, self.old.address, self.new.address, share="0%", more=more)
        self.write("weir.yaml", self.read("weir.yaml").replace(
            "split: { new: 0% },", "split: { new: 0% }, rollout: { stages: [20%, 40%, 100%], hold: 1h, "
            "hooks: [{ on: [stage], url: 'http://" + self.host + ":1/' }] },"))
        self.weir(edge=self.edge, state=state)
