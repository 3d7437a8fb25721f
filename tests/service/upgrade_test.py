"""A weir that hands over to a new process of its program while it serves."""
import ctypes
import glob
import json
import os
import shutil
import signal
import socket
import ssl
import threading

import rig

PR_SET_CHILD_SUBREAPER = 36
# No client may wait for what is under way at the moment of the upgrade. What a machine under load adds is below it.
UNDER_WAY, LONGEST = 4.0, 2.0

GATED = '#!/bin/sh\nwhile [ ! -e "%s" ]; do sleep 0.02; done\nexec "%s" "$@"\n'


class Upgrade(rig.Case):
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

    def under_load(self, kind, tls=None):
        """Upgrades twice under load, with a request and a tunnel under way: nobody is refused, nothing is dropped."""
        load = rig.Load(self.edge, tls=tls, kept_may_end=False)
        load.wait_for(50)
        plain = tls is None
        slow, websocket = (self.slow_request(), self.websocket()) if plain else (None, None)
        first = self.process
        for _ in range(2):
            self.upgrade()
            load.wait_for(50)
        load.end()
        self.assertEqual(load.failures, [])
        self.assertLess(load.longest, LONGEST)
        print("%s: %d requests over two upgrades, none failed; longest wait of a new connection %.0f ms, on a kept one"
              " %.0f ms" % (kind, load.count, load.longest_new * 1000, load.longest_kept * 1000), end="; ")
        if plain:  # what was under way is finished by the one that it began with, though two have come since
            self.assertIn(b"200 OK", slow.recv(4096))
            websocket.sendall(b"still there?")
            self.assertEqual(websocket.recv(4096), b"still there?")
            self.assertIsNone(first.poll())
            websocket.close()
        self.assertEqual(first.wait(rig.PATIENCE), 0)

    def test_sockets_of_its_own_are_handed_over_under_load(self):
        self.weir()
        self.under_load("own sockets")

    def test_a_socket_of_systemd_is_handed_over_under_load(self):
        listening = socket.create_server((self.host, 0), backlog=1024)
        self.addCleanup(listening.close)
        self.configuration("systemd:http", self.old.address)

        def start(environment):
            script = 'exec 3<&%d; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=http exec "$0" run -c "$1"' % listening.fileno()
            return self.start("/bin/bash", "-c", script, self.program, self.path("weir.yaml"), environment=environment,
                              pass_fds=[listening.fileno()])

        self.weir(edge="%s:%d" % listening.getsockname(), start=start)
        self.under_load("a socket of systemd")

    def weir_over_tls(self, more=""):
        """What its clients believe."""
        made = self.run_to_end("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                               "-nodes", "-days", "2", "-subj", "/CN=shop.example", "-addext",
                               "subjectAltName=IP:" + self.host, "-keyout", self.path("key.pem"), "-out",
                               self.path("chain.pem"))
        self.assertEqual(made.returncode, 0, made.stderr)
        edge = "%s:%d" % (self.host, rig.free_port(self.host))
        self.configuration(edge, self.old.address, more=more)
        listener = 'address: "%s"' % edge
        certificate = "{ chain: %s, key: %s }" % (self.path("chain.pem"), self.path("key.pem"))
        self.write("weir.yaml", self.read("weir.yaml").replace(
            listener, listener + ", tls: { certificates: [%s] }" % certificate))
        self.weir(edge=edge)
        return ssl.create_default_context(cafile=self.path("chain.pem"))

    def test_tls_listeners_are_handed_over_under_load(self):
        self.under_load("TLS", tls=self.weir_over_tls())

    def test_a_handshake_under_way_is_finished_by_the_one_it_began_with(self):
        trust = self.weir_over_tls(more="timeouts: { tls_handshake: 1h }")
        clients = [self.connect() for _ in range(20)]
        rig.wait_until(lambda: 'weir_connections{listener="edge"} 20\n' in self.metrics(), "all of them are accepted")
        self.upgrade()
        for client in clients:
            with trust.wrap_socket(client, server_hostname=self.host) as secured:
                secured.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                answer = secured.recv(4096)
            self.assertIn(b"200 OK", answer)
            self.assertIn(b"Connection: close", answer)
        self.assertEqual(self.process.wait(rig.PATIENCE), 0)

    def test_a_unix_socket_is_handed_over_too(self):
        path = self.path("edge.sock")
        self.configuration("unix:" + path, self.old.address)
        self.weir(edge="unix:" + path)

        def answered():
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                return client.recv(4096)

        self.upgrade()
        self.assertEqual(self.process.wait(rig.PATIENCE), 0)
        self.assertIn(b"200 OK", answered())

    def test_who_has_connected_and_asked_nothing_yet_is_answered(self):
        self.weir()
        clients = [self.connect() for _ in range(100)]
        connecting = threading.Thread(target=lambda: clients.extend(self.connect() for _ in range(100)), daemon=True)
        connecting.start()
        self.upgrade()
        connecting.join(rig.PATIENCE)
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answers = [client.recv(4096)[:15] for client in clients]
        self.assertEqual(answers, [b"HTTP/1.1 200 OK"] * 200)

    def test_the_supervisor_is_told_and_gets_signs_of_life_from_the_new_one_alone(self):
        self.weir()
        successor = self.upgrade()
        self.assertNotEqual(successor, self.process.pid)
        rig.wait_until(lambda: self.told(successor, "WATCHDOG") >= 2, "signs of life")
        self.assertEqual(self.process.wait(rig.PATIENCE), 0)
        # The old one said who is the service from here on, and nothing after that: no STOPPING, no STATUS.
        last = [fields for _, by, fields in self.supervised.notices if by == self.process.pid][-1]
        self.assertEqual(last, {"MAINPID": str(successor)})

    def test_usr2_does_the_same(self):
        self.weir()
        self.process.send_signal(signal.SIGUSR2)
        self.supervised.wait_for("MAINPID")
        self.assertEqual(self.process.wait(rig.PATIENCE), 0)
        self.assertEqual(rig.answer_of(self.edge)[0], 200)
        self.upgrade()

    def test_the_state_has_one_writer_and_splits_and_rollouts_go_on(self):
        self.write("weir.yaml", "")
        self.edge = "%s:%d" % (self.host, rig.free_port(self.host))
        self.configuration(self.edge, self.old.address, self.new.address, share="0%",
                           more="state: { directory: %s }" % self.path("state"))
        self.plan("stages: [20%, 100%], hold: 1h")
        self.weir(edge=self.edge)
        self.asked("rollout", "start", "shop")
        before = self.asked("rollout", "status", "shop", "--json")
        self.upgrade()
        self.assertEqual(self.process.wait(rig.PATIENCE), 0)
        after = self.asked("rollout", "status", "shop", "--json")
        for told, value in (("state", '"holding"'), ("stage", "1"), ("share", '"20%"')):
            self.assertEqual((self.value_of(before, told), self.value_of(after, told)), (value, value))
        self.assertIn("new 20%", self.asked("split", "show"))
        second = self.run_to_end(self.program, "run", "-c", self.write("second.yaml", """
listeners: [{ address: "%s:0" }]
state: { directory: %s }
services: [{ name: shop, versions: { old: { endpoints: ["%s"] } } }]
""" % (self.host, self.path("state"), self.old.address)))
        self.assertIn("is used by another weir (process %s)" % self.supervised.values("MAINPID")[-1], second.stderr)
        self.asked("rollback", "shop")
        self.upgrade()
        self.assertIn("closed", self.asked("split", "show"))

    def plan(self, rollout):
        text = self.read("weir.yaml")
        self.write("weir.yaml", text.replace("split: { new: 0% },", "split: { new: 0%% }, rollout: { %s }," % rollout))

    def value_of(self, text, name):
        return json.dumps(json.loads(text)[name])

    def test_what_no_directory_keeps_goes_on_in_memory(self):
        self.edge = "%s:%d" % (self.host, rig.free_port(self.host))
        self.configuration(self.edge, self.old.address, self.new.address, share="0%")
        self.plan("stages: [20%, 100%], hold: 1h")
        self.weir(edge=self.edge, state=False)
        self.asked("split", "set", "shop", "new=7%", "--reason", "by hand")
        self.upgrade()
        self.assertIn("new 7%", self.asked("split", "show"))
        self.assertIn("by hand", self.asked("history", "shop"))
        self.asked("rollout", "start", "shop")
        self.upgrade()
        self.assertIn("shop: holding at 20%, stage 1 of 2", self.asked("rollout", "status", "shop"))
        self.asked("rollback", "shop")
        self.upgrade()
        self.assertIn("closed", self.asked("split", "show"))

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

    def test_the_old_one_stays_when_the_new_one_does_not_start(self):
        self.weir()
        self.replace_program("#!/bin/sh\nexit 1\n")
        self.stays("it ended before it served")
        os.unlink(self.program)
        self.stays("it ended before it served")
        # And a sound program is handed over to after that.
        shutil.copy(rig.PROGRAM, self.program)
        self.upgrade()

    def test_the_old_one_stays_when_the_file_does_not_load(self):
        self.weir()
        text = self.read("weir.yaml")
        self.write("weir.yaml", text.replace("workers: 2", "workers: 3"))
        self.stays("workers: cannot change while weir runs")
        self.write("weir.yaml", text.replace("workers: 2", "workers: two"))
        self.stays("weir.yaml:4:[0-9]+: workers: .two. is not a number")

    def test_the_old_one_stays_when_the_new_program_finds_the_file_wrong(self):
        self.weir()
        wrong = self.write("wrong.yaml", "listeners: []\n")
        self.replace_program('#!/bin/sh\nexec "%s" run -c "%s"\n' % (rig.PROGRAM, wrong))
        self.stays("wrong.yaml:1:[0-9]+: ")

    def test_the_old_one_stays_when_the_new_one_never_serves(self):
        self.weir()
        self.replace_program("#!/bin/sh\nexec sleep 600\n")
        self.stays("it did not serve within 10 s")

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

    def test_a_second_upgrade_is_refused_while_one_is_under_way(self):
        self.weir()
        asking, answers = self.gated()
        second = self.ask("upgrade")
        self.assertEqual(second.returncode, 1)
        self.assertIn("another upgrade is under way", second.stderr)
        self.process.send_signal(signal.SIGUSR2)
        rig.wait_until(lambda: "USR2: not upgraded, this process serves on: another" in self.read("log"), "USR2's refusal")
        self.open_gate()
        asking.join(rig.PATIENCE)
        self.assertEqual(answers[0].returncode, 0, answers[0].stderr)
        self.assertEqual(self.supervised.count("MAINPID"), 1)

    def test_a_change_of_the_split_meanwhile_is_made_and_the_upgrade_is_not(self):
        self.weir()
        asking, answers = self.gated()
        self.asked("split", "set", "shop", "new=31%")
        self.open_gate()
        asking.join(rig.PATIENCE)
        self.assertEqual(answers[0].returncode, 1)
        self.assertIn("splits or the file were changed meanwhile", answers[0].stderr)
        rig.wait_until(lambda: not self.successors(), "the new one is ended")
        self.assertIn("new 31%", self.asked("split", "show"))
        self.upgrade()
        self.assertIn("new 31%", self.asked("split", "show"))

    def test_what_the_old_one_has_not_loaded_the_new_one_does_not_take_over(self):
        self.weir()
        asking, answers = self.gated()
        self.process.send_signal(signal.SIGSTOP)  # so that it sees neither the change nor the end of the new one
        text = self.read("weir.yaml")
        self.write("weir.yaml", text.replace("split: { new: 0% }", "split: { new: 45% }"))
        self.open_gate()
        rig.wait_until(lambda: not self.successors(), "the new one has ended")
        self.process.send_signal(signal.SIGCONT)
        asking.join(rig.PATIENCE)
        self.assertEqual(answers[0].returncode, 1)
        self.assertIn("the split of shop is not as the weir before has it", answers[0].stderr)
        rig.wait_until(lambda: "new 45%" in self.ask("split", "show").stdout, "the old one loads the file")
        self.upgrade()

    def test_a_weir_that_ends_takes_the_new_one_with_it(self):
        self.weir()
        asking, _ = self.gated()
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(rig.PATIENCE), 0)
        asking.join(rig.PATIENCE)
        rig.wait_until(lambda: not self.successors(), "the new one is ended")

    def test_when_the_old_one_is_killed_the_new_one_is_the_one(self):
        self.weir()
        asking, _ = self.gated()
        self.process.kill()
        self.process.wait()
        client = self.connect()  # waits in the socket, which the new one holds
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        self.open_gate()
        self.assertIn(b"200 OK", client.recv(4096))
        rig.wait_until(lambda: self.ask("split", "set", "shop", "new=5%").returncode == 0, "the new one's admin")
        asking.join(rig.PATIENCE)

    def test_tunnels_end_when_the_time_to_drain_is_over(self):
        self.weir(more="timeouts: { drain: 1s }")
        websocket = self.websocket()
        self.upgrade()
        self.assertEqual(websocket.recv(4096), b"")
        self.assertEqual(self.process.wait(rig.PATIENCE), 0)
        self.assertIn("drain time is over: 1 connections are cut", self.read("log"))


rig.main()
