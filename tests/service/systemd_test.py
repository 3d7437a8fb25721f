"""The units under a real systemd (machine.py): weir from its package, in its sandbox, as its operators command it."""
import ctypes
import glob
import os
import re
import socket
import ssl
import time

import machine
import packed
import rig

EDGE, ADMIN = "127.0.0.1:80", "127.0.0.1:9901"


def slice_of(thread, wanted=None):
    """How long it runs before others get their turn, in ns: sched_getattr(2), and sched_setattr(2) before it."""
    libc, attributes = ctypes.CDLL(None, use_errno=True), (ctypes.c_uint64 * 7)()
    told = lambda: libc.syscall(315, thread, attributes, ctypes.sizeof(attributes), 0)
    assert told() == 0, os.strerror(ctypes.get_errno())
    if wanted is not None:
        attributes[3] = wanted
        assert libc.syscall(314, thread, attributes, 0) == 0, os.strerror(ctypes.get_errno())
        assert told() == 0
    return attributes[3]


class Service(rig.Case):
    @classmethod
    def setUpClass(cls):
        one = packed.Packed()
        cls.addClassCleanup(one.remove)
        cls.machine = machine.Machine()
        cls.addClassCleanup(cls.machine.end)
        rig.shutil.copy(one.deb, machine.ROOT + "/root/weir.deb")
        cls.machine.boot()
        done = cls.machine.type("apt-get install --yes ./weir.deb && systemctl enable --quiet weir")
        assert done.returncode == 0, done.stdout + done.stderr

    def setUp(self):
        super().setUp()
        self.old, self.new = self.origin("old"), self.origin("new")
        self.configure()
        self.began = "@%.6f" % time.time()
        self.run_as_root("systemctl reset-failed weir; systemctl stop weir && rm -rf /var/lib/private/weir && systemctl start weir")

    def configure(self, more_listeners=""):
        self.machine.write("/etc/weir/weir.yaml", """
listeners: [{ name: http, address: "systemd:http" }%s]
admin: { address: "%s" }
state: { directory: /var/lib/weir }
workers: 2
limits: { connections: 1000 }
access_log: { path: /var/log/weir/access.log }
services:
  - name: web
    cohort: { key: [header:X-User-Id] }
    stable: old
    versions: { old: { endpoints: ["%s"] }, new: { endpoints: ["%s"] } }
    split: { new: 0%% }
""" % (more_listeners, ADMIN, self.old.address, self.new.address))

    def secret(self, name, text):
        self.machine.write("/etc/weir/credentials/" + name, text, 0o600)
        self.addCleanup(os.unlink, machine.ROOT + "/etc/weir/credentials/" + name)

    def certificate(self, chain, key, subject):
        made = self.run_to_end("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                               "-days", "2", "-subj", "/CN=" + subject, "-addext", "subjectAltName=IP:127.0.0.1",
                               "-keyout", self.path(key), "-out", self.path(chain))
        self.assertEqual(made.returncode, 0, made.stderr)

    def change(self, before, after):
        with open(machine.ROOT + "/etc/weir/weir.yaml") as file:
            text = file.read()
        self.assertIn(before, text)
        self.machine.write("/etc/weir/weir.yaml", text.replace(before, after))

    def run_as_root(self, line, code=0):
        done = self.machine.type(line)
        self.assertEqual(done.returncode, code, "%s\n%s%s%s" % (line, done.stdout, done.stderr, self.journal()))
        return done.stdout + done.stderr

    def journal(self, *options):
        return self.machine.run("journalctl", "-u", "weir", "--no-pager", "--since", self.began, *options).stdout

    def property(self, name):
        return self.machine.run("systemctl", "show", "--property", name, "--value", "weir").stdout.strip()

    def main_process(self):
        return self.property("MainPID")

    def answers(self):
        try:
            return rig.answer_of(EDGE)[0] == 200
        except OSError:
            return False

    def under_load(self, line):
        load = rig.Load(EDGE)
        load.wait_for(30)
        self.run_as_root(line)
        load.wait_for(30)
        load.end()
        self.assertEqual(load.failures, [])
        print("%s: %d requests, none failed; longest wait %.0f ms" % (line, load.count, load.longest * 1000), end=" ")

    def slow_request(self):
        client, before = socket.create_connection(("127.0.0.1", 80), timeout=rig.PATIENCE), self.old.slow_begun
        self.addCleanup(client.close)
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        rig.wait_until(lambda: self.old.slow_begun > before, "the request is at the origin")
        return client

    def rights(self):
        """What the kernel says of the main process."""
        text = self.machine.run("cat", "/proc/%s/status" % self.main_process()).stdout
        names = ("Uid", "Gid", "NoNewPrivs", "Seccomp", "CapEff", "CapPrm", "CapBnd", "CapAmb")
        return {name: re.search(r"(?m)^%s:\s+(.*)$" % name, text)[1] for name in names}


class Unit(Service):
    def test_status_tells_what_is_served(self):
        self.assertRegex(self.run_as_root("systemctl status weir"),
                         r'Status: "Serving 1 service on 1 listener; web: new 0%"')
        self.run_as_root("weir split set web new=25%")
        rig.wait_until(lambda: self.property("StatusText").endswith("web: new 25%"), "the status has the split")

    def test_it_has_no_rights_and_may_write_where_it_must(self):
        rights = self.rights()
        self.assertEqual({rights[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")}, {"0" * 16})
        self.assertEqual((rights["NoNewPrivs"], rights["Seccomp"]), ("1", "2"))
        user = int(rights["Uid"].split()[0])
        self.assertTrue(61184 <= user <= 65519, user)
        owners = self.run_as_root("stat --dereference --format '%u %a' /var/lib/weir /var/log/weir /run/weir")
        self.assertEqual({line.split()[0] for line in owners.splitlines()}, {str(user)})
        self.assertTrue(owners.startswith("%d 700\n" % user), owners)
        root = "/proc/%s/root" % self.main_process()
        for path in ("/etc/weir", "/etc", "/usr/bin", "/var", "/var/lib", "/dev"):  # not even root may, from there
            self.assertIn("Read-only file system", self.run_as_root("touch %s%s/other" % (root, path), 1))
        self.assertEqual(self.machine.run("ls", "-A", root + "/home", root + "/root", root + "/tmp").stdout.count("weir"), 0)
        self.assertEqual(self.journal("-p", "warning", "-o", "cat"), "")

    def test_its_workers_get_the_slices_that_they_ask_for(self):
        wanted = slice_of(0, 100_000)  # or what a kernel tells that knows none
        for path in glob.glob("/proc/[0-9]*/task/*/comm"):
            with open(path) as file:
                if file.read() == "weir-0\n":
                    self.assertEqual(slice_of(int(path.split("/")[4])), wanted)
                    return
        self.fail("no worker found")

    def test_reload_checks_first_and_fails_visibly(self):
        self.change("new: 0%", "new: 30%")
        self.run_as_root("systemctl reload weir")
        self.assertIn("new 30%", self.property("StatusText"))
        before = self.main_process()
        self.change("new: 30%", "new: 300%")
        self.run_as_root("systemctl reload weir", 1)
        self.assertIn("THE FILE DOES NOT LOAD", self.run_as_root("systemctl status weir"))
        self.assertRegex(self.journal("-p", "err", "-o", "cat"), r"/etc/weir/weir.yaml:\d+:\d+: .*300%")
        self.assertEqual((self.main_process(), self.property("ActiveState")), (before, "active"))
        self.assertEqual(rig.answer_of(EDGE)[0], 200)
        self.change("new: 300%", "new: 40%")
        self.run_as_root("systemctl reload weir")
        self.assertRegex(self.property("StatusText"), "^Serving 1 service on 1 listener; web: new 40%$")

    def test_a_restart_refuses_nobody_and_forgets_nothing(self):
        self.run_as_root("weir split set web new=7% --reason kept")
        user = self.rights()["Uid"]
        self.under_load("systemctl restart weir")
        self.assertRegex(self.run_as_root("weir split show"), r"web +2 +old 93%, new 7% .* kept")
        self.assertEqual(self.rights()["Uid"], user)

    def test_an_upgrade_is_followed_and_has_the_same_sandbox(self):
        self.old.slow = 3.0
        slow, before, rights = self.slow_request(), self.main_process(), self.rights()
        for _ in range(2):
            was = self.main_process()
            self.under_load("weir upgrade")
            self.assertNotEqual(self.main_process(), was)
        self.assertEqual(self.rights(), rights)
        self.assertIn(b"200 OK", slow.recv(4096))
        rig.wait_until(lambda: self.machine.run("test", "-e", "/proc/%s/exe" % before).returncode, "the first one has ended")
        self.assertEqual((self.property("ActiveState"), self.property("NRestarts")), ("active", "0"))
        self.assertEqual(self.property("StatusText"), "Serving 1 service on 1 listener; web: new 0%")
        self.run_as_root("systemctl reload weir && weir split set web new=5%")
        self.assertEqual(self.journal("-p", "err", "-o", "cat"), "")

    def test_an_upgrade_that_fails_changes_nothing(self):
        before = self.main_process()
        self.addCleanup(self.run_as_root, "test ! -e /usr/bin/weir.kept || mv /usr/bin/weir.kept /usr/bin/weir")
        self.run_as_root("cp /usr/bin/weir /usr/bin/weir.kept && printf '#!/bin/sh\nexit 1\n' >/usr/bin/weir.new"
                         " && chmod 755 /usr/bin/weir.new && mv /usr/bin/weir.new /usr/bin/weir")
        self.assertIn("it ended before it served", self.run_as_root("weir.kept upgrade", 1))
        self.assertEqual((self.main_process(), self.property("ActiveState")), (before, "active"))
        self.assertEqual(rig.answer_of(EDGE)[0], 200)

    def hangs(self):
        before, restarts = self.main_process(), int(self.property("NRestarts"))
        self.run_as_root("kill -STOP " + before)
        rig.wait_until(lambda: int(self.property("NRestarts")) > restarts and self.property("ActiveState") == "active",
                       "systemd starts it again", 60, 0.2)
        self.assertNotEqual(self.main_process(), before)
        self.assertEqual(rig.answer_of(EDGE)[0], 200)
        self.assertIn("Watchdog timeout", self.journal())

    def test_one_that_hangs_is_started_again(self):
        self.hangs()

    def test_one_that_hangs_after_an_upgrade_is_started_again_too(self):
        self.run_as_root("weir upgrade")
        self.hangs()

    def test_one_that_crashes_is_started_again(self):
        before = self.main_process()
        self.run_as_root("kill -SEGV " + before)
        rig.wait_until(lambda: self.main_process() not in (before, "0") and self.property("ActiveState") == "active",
                       "systemd starts it again", 60)
        self.assertEqual(rig.answer_of(EDGE)[0], 200)

    def test_a_restart_lets_finish_what_the_one_before_an_upgrade_still_does(self):
        self.old.slow = 6.0
        slow = self.slow_request()
        self.run_as_root("weir upgrade")
        self.run_as_root("systemctl restart weir")
        self.assertIn(b"200 OK", slow.recv(4096))
        self.assertEqual(rig.answer_of(EDGE)[0], 200)

    def test_stopped_it_is_started_by_who_connects_until_its_socket_is_stopped(self):
        self.run_as_root("systemctl stop weir")
        self.assertEqual(self.property("ActiveState"), "inactive")
        self.assertEqual(rig.answer_of(EDGE), (200, "old"))
        self.assertEqual(self.property("ActiveState"), "active")
        self.run_as_root("systemctl stop weir weir.socket")
        self.assertRaises(ConnectionRefusedError, rig.answer_of, EDGE)

    def test_secrets_are_handed_to_it_alone(self):
        self.secret("admin-token", "open-sesame\n")
        self.change('admin: { address: "%s"' % ADMIN,
                    'admin: { address: "%s", token_file: /run/credentials/weir.service/weir_admin-token' % ADMIN)
        self.run_as_root("systemctl restart weir")
        for _ in range(2):
            self.assertEqual(rig.answer_of(ADMIN, "/api/v1/services")[0], 401)
            self.assertEqual(rig.answer_of(ADMIN, "/api/v1/services", headers={"Authorization": "Bearer open-sesame"})[0], 200)
            self.run_as_root("systemctl reload weir && weir upgrade --token-file /etc/weir/credentials/admin-token")
        self.assertEqual(self.run_as_root("stat --format %a /etc/weir/credentials"), "700\n")

    def test_reload_shows_a_certificate_where_operators_need_one(self):
        for name in ("admin", "reload"):
            self.certificate(name + ".pem", name + ".key", name)
            for file in (name + ".pem", name + ".key"):
                self.secret(file, self.read(file))
        self.run_as_root("mkdir --mode 700 /etc/weir/operator && cp /etc/weir/credentials/reload.* /etc/weir/operator")
        self.addCleanup(self.run_as_root, "rm -r /etc/weir/operator")
        held = "/run/credentials/weir.service/weir_"
        self.change('admin: { address: "%s"' % ADMIN, 'admin: { address: "%s", tls: { certificates: [{ chain: %sadmin.pem, '
                    'key: %sadmin.key }], client_ca: %sreload.pem }' % (ADMIN, held, held, held))
        self.run_as_root("systemctl restart weir")
        self.change("new: 0%", "new: 30%")
        self.run_as_root("systemctl reload weir", 1)
        self.assertIn("WEIR_CERT", self.journal("-o", "cat"))
        with open(os.path.join(rig.SOURCE, "README.md")) as readme:
            self.machine.write("/etc/systemd/system/weir.service.d/override.conf",
                               re.search(r"(?s)```ini\n(\[Service\]\nEnvironment=WEIR_CERT=.*?)```", readme.read())[1])
        self.addCleanup(self.run_as_root, "systemctl revert weir && systemctl daemon-reload")
        self.run_as_root("systemctl daemon-reload && systemctl reload weir")
        self.assertIn("new 30%", self.property("StatusText"))

    def test_the_access_log_is_rotated_by_a_signal(self):
        log, before = machine.ROOT + "/var/log/weir/access.log", self.main_process()
        rig.wait_until(lambda: self.answers() and self.run_as_root("cat /var/log/weir/access.log"), "a line")
        self.run_as_root("mv /var/log/weir/access.log /var/log/weir/access.log.1"
                         " && systemctl kill --kill-whom=main --signal=USR1 weir")
        rig.wait_until(lambda: not self.machine.run("test", "-e", "/var/log/weir/access.log").returncode, "a new file")
        self.assertEqual(self.main_process(), before)

    def test_the_tls_port_is_enabled_later(self):
        self.certificate("chain.pem", "key.pem", "shop.example")
        for name in ("key.pem", "chain.pem"):
            self.secret(name, self.read(name))
        self.configure(more_listeners=', { name: https, address: "systemd:https", tls: { certificates: [{'
                       " chain: /run/credentials/weir.service/weir_chain.pem,"
                       " key: /run/credentials/weir.service/weir_key.pem }] } }")
        self.addCleanup(self.run_as_root, "systemctl disable --now weir-https.socket")
        self.run_as_root("systemctl enable weir-https.socket && systemctl restart weir")
        trusted = ssl.create_default_context(cafile=self.path("chain.pem"))
        for _ in range(2):
            self.assertEqual(rig.answer_of("127.0.0.1:443", tls=trusted), (200, "old"))
            self.run_as_root("weir upgrade")


machine.in_namespaces(__file__)
rig.main()
