"""systemd/: the units by systemd's own judges, and weir under a supervisor that is played here."""
import ctypes
import glob
import os
import re
import shutil
import signal
import socket
import time

import rig

PTRACE_ATTACH, PTRACE_DETACH, WALL = 16, 17, 0x40000000


class Units(rig.Case):
    def units(self):
        """As installed, but for the program's place; with the manual page that they name."""
        os.makedirs(self.path("man/man1"))
        self.write("man/man1/weir.1", self.run_to_end(rig.PROGRAM, "man").stdout)
        paths = []
        for path in sorted(glob.glob(rig.SOURCE + "/systemd/*.s*")):
            name = os.path.basename(path)
            paths.append(self.write(name, rig.text_of("systemd/" + name).replace("/usr/bin/weir", rig.PROGRAM)))
        self.assertEqual(len(paths), 3)
        return paths

    def test_systemd_finds_nothing_wrong(self):
        done = self.run_to_end("systemd-analyze", "verify", "--recursive-errors=no", *self.units(),
                               env={**os.environ, "MANPATH": self.path("man")})
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_a_key_that_does_not_exist_would_be_found(self):
        paths = self.units()
        with open(paths[-2], "a") as unit:
            unit.write("\n[Service]\nNoNewPrivilege=yes\n")
        done = self.run_to_end("systemd-analyze", "verify", "--recursive-errors=no", *paths)
        self.assertIn("NoNewPrivilege", done.stderr)

    def test_the_service_is_exposed_no_more_than_1_5(self):
        done = self.run_to_end("systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager",
                               rig.SOURCE + "/systemd/weir.service")
        level = re.search(r"exposure level.*: ([0-9.]+)", done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout)
        print("exposure", level[1], end=" ")

    def test_it_has_more_time_to_stop_than_weir_takes_to_drain(self):
        stop = int(re.search(r"TimeoutStopSec=(\d+)s", rig.text_of("systemd/weir.service"))[1])
        drain = int(re.search(r"drain: (\d+)s", rig.text_of("config/example.yaml"))[1])
        self.assertGreater(stop, drain)


class Supervision(rig.Case):
    def setUp(self):
        super().setUp()
        self.supervised = self.supervisor()
        self.old, self.new = self.origin("old"), self.origin("new")
        self.edge = "%s:%d" % (self.host, rig.free_port(self.host))

    def weir(self, environment=None, **more):
        self.configuration(self.edge, self.old.address, self.new.address, **more)
        self.process = self.start(rig.PROGRAM, "run", "-c", self.path("weir.yaml"),
                                  environment={"NOTIFY_SOCKET": self.supervised.path, **(environment or {})})
        self.supervised.wait_for("READY")
        return self.process

    def slow_request(self):
        """A client whose request is at the origin."""
        host, port = self.edge.rsplit(":", 1)
        client = socket.create_connection((host, int(port)), timeout=rig.PATIENCE)
        self.addCleanup(client.close)
        before = self.old.slow_begun
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        rig.wait_until(lambda: self.old.slow_begun > before, "the request is at the origin")
        return client

    def change(self, before, after):
        text = self.read("weir.yaml")
        self.assertIn(before, text)
        self.write("weir.yaml", text.replace(before, after))


class Supervised(Supervision):
    def test_ready_is_said_once_and_every_request_after_it_is_served(self):
        self.weir()
        self.assertEqual(rig.answer_of(self.edge)[0], 200)
        self.assertEqual(self.supervised.values("STATUS"), ["Serving 1 service on 1 listener; shop: new 25%"])
        self.assertEqual({sender for _, sender, _ in self.supervised.notices}, {self.process.pid})

    def test_a_weir_that_does_not_start_is_never_ready(self):
        self.configuration(self.edge, self.old.address)
        self.write("weir.yaml", "listeners: []\n")
        process = self.start(rig.PROGRAM, "run", "-c", self.path("weir.yaml"),
                             environment={"NOTIFY_SOCKET": self.supervised.path})
        self.assertEqual(process.wait(rig.PATIENCE), 3)
        self.assertEqual(self.supervised.notices, [])

    def test_a_reload_is_told_with_its_time_and_its_end(self):
        self.weir()
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.process.send_signal(signal.SIGHUP)
        self.supervised.wait_for("READY", count=2)
        self.assertEqual(self.supervised.count("RELOADING"), 1)
        self.assertGreaterEqual(int(self.supervised.values("MONOTONIC_USEC")[0]), before)

    def test_a_file_that_changes_as_weir_begins_to_serve_is_loaded(self):
        for _ in range(20):
            process = self.weir_that_answers(share="0%")
            os.rename(self.write("other.yaml", self.read("weir.yaml").replace("new: 0%", "new: 100%")), self.path("weir.yaml"))
            rig.wait_until(lambda: rig.answer_of(self.edge, headers={"X-User-Id": "u"})[1] == "new", "the new split")
            self.end(process)

    def weir_that_answers(self, **more):
        """As soon as a worker does, which may be before it is ready."""
        self.edge = "%s:%d" % (self.host, rig.free_port(self.host))
        self.configuration(self.edge, self.old.address, self.new.address, **more)
        process = self.start(rig.PROGRAM, "run", "-c", self.path("weir.yaml"))

        def answers():
            try:
                return rig.answer_of(self.edge)[0] == 200
            except OSError:
                return False

        rig.wait_until(answers, "an answer", pause=0.0005)
        return process

    def test_a_file_that_does_not_load_stands_in_the_status_until_it_does(self):
        self.weir()
        self.change("new: 25%", "new: 25")
        self.supervised.wait_for("STATUS", "THE FILE DOES NOT LOAD")
        self.assertIn("weir.yaml:6:", self.supervised.values("STATUS")[-1])
        self.change("new: 25 }", "new: 30% }")
        rig.wait_until(lambda: self.supervised.values("STATUS")[-1].endswith("shop: new 30%"), "a clean status")

    def test_a_split_changed_or_closed_stands_in_the_status(self):
        self.weir()
        admin = ("--admin", self.admin)
        self.assertEqual(self.run_to_end(rig.PROGRAM, "split", "set", "shop", "new=60%", *admin).returncode, 0)
        self.supervised.wait_for("STATUS", "shop: new 60%")
        self.assertEqual(self.run_to_end(rig.PROGRAM, "rollback", "shop", *admin).returncode, 0)
        self.supervised.wait_for("STATUS", "shop: new 0%, closed")

    def test_stopping_is_told_while_a_request_is_under_way(self):
        self.weir(share="0%")
        client = self.slow_request()
        self.process.send_signal(signal.SIGTERM)
        self.supervised.wait_for("STOPPING")
        self.supervised.wait_for("STATUS", "draining: 1 connections")
        self.assertIn(b"200 OK", client.recv(4096))
        self.assertEqual(self.process.wait(rig.PATIENCE), 0)

    def worker_thread(self, name):
        for path in glob.glob("/proc/%d/task/*/comm" % self.process.pid):
            with open(path) as file:
                if file.read().strip() == name:
                    return int(path.split("/")[4])
        raise AssertionError("no thread " + name)

    def test_signs_of_life_come_only_while_every_worker_turns(self):
        self.weir({"WATCHDOG_USEC": "600000"})
        self.supervised.wait_for("WATCHDOG", count=3)
        libc, worker = ctypes.CDLL(None, use_errno=True), self.worker_thread("weir-1")
        self.assertEqual(libc.ptrace(PTRACE_ATTACH, worker, 0, 0), 0, os.strerror(ctypes.get_errno()))
        os.waitpid(worker, WALL)
        # One sign may be on its way; then there are no more, although the other worker and the control thread turn.
        rig.wait_until(lambda: "worker 1 has not turned" in self.read("log"), "the log tells who hangs")
        before = self.supervised.count("WATCHDOG")
        for _ in range(5):
            self.assertEqual(rig.answer_of(self.admin, "/healthz")[0], 200)
            time.sleep(0.2)
        self.assertEqual(self.supervised.count("WATCHDOG"), before)
        self.assertEqual(libc.ptrace(PTRACE_DETACH, worker, 0, 0), 0)
        self.supervised.wait_for("WATCHDOG", count=before + 2)

    def test_reload_checks_first_and_fails_visibly(self):
        self.weir(share="0%")
        reload = (rig.PROGRAM, "reload", "-c", self.path("weir.yaml"))
        done = self.run_to_end(*reload)
        self.assertEqual((done.returncode, done.stdout), (0, self.path("weir.yaml") + ": in force\n"), done.stderr)
        self.change("workers: 2", "workers: 3")  # is sound, and refused by the weir that runs
        done = self.run_to_end(*reload)
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"weir.yaml: workers: cannot change while weir runs.*\n.*what was loaded before stays")
        self.change("workers: 3", "workers: many")
        done = self.run_to_end(*reload)
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"weir.yaml:4:\d+: workers: .many. is not a number")
        self.assertEqual(rig.answer_of(self.edge)[0], 200)
        self.end(self.process)
        self.change("workers: many", "workers: 2")
        self.assertEqual(self.run_to_end(*reload).returncode, 1)


class Activated(Supervision):
    """With the listening socket opened by somebody else, as weir.socket does."""

    def open_socket(self):
        self.listening = socket.create_server((self.host, 0), backlog=1024)
        self.addCleanup(self.listening.close)
        self.edge = "%s:%d" % self.listening.getsockname()
        return self.listening.fileno()

    def activate(self, name="http", log="log"):
        """As systemd starts a service with sockets (sd_listen_fds(3))."""
        fd = self.listening.fileno()
        script = 'exec 3<&%d; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=%s exec "$0" run -c "$1"' % (fd, name)
        before = self.supervised.count("READY")
        process = self.start("/bin/bash", "-c", script, rig.PROGRAM, self.path("weir.yaml"), pass_fds=[fd], log=log,
                             environment={"NOTIFY_SOCKET": self.supervised.path})
        return process, before

    def activated(self, **more):
        process, before = self.activate(**more)
        self.supervised.wait_for("READY", count=before + 1)
        self.process = process
        return process

    def test_systemds_own_activation_is_understood(self):
        port = rig.free_port(self.host)
        edge = "%s:%d" % (self.host, port)
        self.configuration("systemd:http", self.old.address)
        self.start("systemd-socket-activate", "--listen=" + edge, "--fdname=http", "-E", "PATH", rig.PROGRAM, "run",
                   "-c", self.path("weir.yaml"))

        def answered():
            try:
                return rig.answer_of(edge)[0] == 200
            except ConnectionRefusedError:
                return False  # not even the socket is there

        rig.wait_until(answered, "an answer through the activated socket")

    def test_a_socket_of_another_name_is_not_taken(self):
        self.open_socket()
        self.configuration("systemd:http", self.old.address)
        process, _ = self.activate(name="https")
        self.assertEqual(process.wait(rig.PATIENCE), 1)
        self.assertIn("systemd:http: no socket of this name was passed to weir (passed: https)", self.read("log"))

    def test_a_listener_is_taken_out_of_the_file_and_put_back(self):
        self.open_socket()
        self.configuration("systemd:http", self.old.address)
        self.activated()
        other = "%s:%d" % (self.host, rig.free_port(self.host))
        self.change("systemd:http", other)
        self.supervised.wait_for("STATUS", "Serving", count=2)
        rig.wait_until(lambda: 'listener="edge"' in self.metrics() and self.answers(other), "the other listener")
        self.change(other, "systemd:http")
        rig.wait_until(lambda: self.answers(self.edge), "the socket is accepted from again")

    def answers(self, address):
        host, port = address.rsplit(":", 1)
        try:
            with socket.create_connection((host, int(port)), timeout=0.2) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                return b"200 OK" in client.recv(4096)
        except OSError:
            return False

    def registered(self):
        """How many descriptors each epoll instance of the process watches."""
        counts = {}
        for path in glob.glob("/proc/%d/fd/*" % self.process.pid):
            try:
                if os.readlink(path) == "anon_inode:[eventpoll]":
                    with open(path.replace("/fd/", "/fdinfo/")) as file:
                        counts[path] = file.read().count("tfd:")
            except FileNotFoundError:
                pass  # the scrape's own, just closed
        return counts

    def test_workers_share_what_comes_through_one_socket_evenly(self):
        self.open_socket()
        self.configuration("systemd:http", self.old.address, workers=4)
        self.activated()
        before, host, port = self.registered(), *self.edge.rsplit(":", 1)
        clients = [socket.create_connection((host, int(port))) for _ in range(200)]
        rig.wait_until(lambda: 'weir_connections{listener="edge"} 200' in self.metrics(), "200 connections")
        after = self.registered()
        spread = sorted((after[path] - before[path] for path in before), reverse=True)[:4]
        for client in clients:
            client.close()
        self.assertEqual(sum(spread), 200, spread)
        self.assertGreaterEqual(min(spread), 40, spread)
        print("200 connections on 4 workers:", spread, end=" ")

    def test_a_restart_refuses_nobody(self):
        self.open_socket()
        self.configuration("systemd:http", self.old.address, self.new.address, share="0%")
        self.activated()
        load = rig.Load(self.edge)
        load.wait_for(50)
        slow = self.slow_request()
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(rig.PATIENCE), 0)
        self.assertIn(b"200 OK", slow.recv(4096))
        self.activated(log="log2")
        load.wait_for(50)
        load.end()
        self.assertEqual(load.failures, [])
        print("%d requests, none failed; restart with a request of %.1f s under way: longest wait %.0f ms"
              % (load.count, self.old.slow, load.longest * 1000), end=" ")


rig.main()
