"""A weir that hands over to a new process of its program while it serves."""
import json
import os
import signal
import socket
import ssl
import threading

import rig
import upgrading

# No client may wait for what is under way at the moment of the upgrade. What a machine under load adds is below it.
LONGEST = upgrading.UNDER_WAY * 2 / 3


class Upgrade(upgrading.Upgrading):
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
        self.weir(more="timeouts: { drain: 5m }")
        self.under_load("own sockets")

    def test_a_socket_of_systemd_is_handed_over_under_load(self):
        listening = socket.create_server((self.host, 0), backlog=1024)
        self.addCleanup(listening.close)
        self.configuration("systemd:http", self.old.address, more="timeouts: { drain: 5m }")

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
        self.weir_with_rollout()
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

    def value_of(self, text, name):
        return json.dumps(json.loads(text)[name])

    def test_what_no_directory_keeps_goes_on_in_memory(self):
        self.weir_with_rollout(state=False)
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

    def test_tunnels_end_when_the_time_to_drain_is_over(self):
        self.weir(more="timeouts: { drain: 1s }")
        websocket = self.websocket()
        self.upgrade()
        self.assertEqual(websocket.recv(4096), b"")
        self.assertEqual(self.process.wait(rig.PATIENCE), 0)
        self.assertIn("drain time is over: 1 connections are cut", self.read("log"))


rig.main()
