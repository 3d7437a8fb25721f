"""README's six commands, from the package to a serving, watched, restartable weir, in a Debian 12 of their own.

That is a copy-on-write view of this machine with its own processes, mounts and network (so that ports 80 and 9901 are
free), or of the folder that WEIR_BARE_ROOT names: `debootstrap --variant=minbase --include=systemd bookworm FOLDER`,
with prometheus among its downloaded packages. There is no systemd that runs in it: `systemctl enable` is systemd's own; what
starts, reloads and restarts is played here by the units as they were installed: sockets by name, ExecStartPre, a user
without rights, credentials, READY, MAINPID, ExecReload, the order of a restart. Their sandbox is judged in unit_test."""
import configparser
import fcntl
import glob
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time

import rig

BUILD = os.environ["WEIR_BUILD_DIR"]
LOWER = os.environ.get("WEIR_BARE_ROOT", "/")
USER = 61234  # as DynamicUser= takes one from 61184 to 65519


def commands():
    """The lines of README's block, without what is said behind them."""
    block = re.search(r"```\n(apt install ./weir_.*?)```", rig.text_of("README.md"), re.S)[1]
    return [line.split("  #")[0].strip() for line in block.splitlines()]


def unit(path):
    """Sections of a unit; a key that is there several times has several lines."""
    class Several(dict):
        def __setitem__(self, key, value):
            if isinstance(value, list) and key in self:
                self[key].extend(value)
            else:
                super().__setitem__(key, value)

    parser = configparser.RawConfigParser(dict_type=Several, strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str
    parser.read(path)
    return {name: {key: value.split("\n") for key, value in parser.items(name)} for name in parser.sections()}


class Init:
    """Of systemd what the commands need: one service with its sockets, and Prometheus."""

    def __init__(self, root, supervisor, log):
        self.root, self.supervisor, self.log = root, supervisor, log
        self.main, self.sockets, self.prometheus = None, {}, None
        os.makedirs(root + "/run/play")
        for name in ("ask", "answer"):
            os.mkfifo("%s/run/play/%s" % (root, name))
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self):
        while True:
            with open(self.root + "/run/play/ask") as asked:
                line = asked.readline()
            try:
                code = self.do(*shlex.split(line))
            except Exception as error:  # told to who asked, and in the log of the test
                self.log.write("init: %s: %r\n" % (line.strip(), error))
                code = 1
            with open(self.root + "/run/play/answer", "w") as answer:
                answer.write("%d\n" % code)

    def do(self, *words):
        options = [word for word in words if word.startswith("-")]
        verb, *names = [word for word in words if not word.startswith("-")]
        names = [name.split(".service")[0] for name in names]
        if verb == "enable":
            done = subprocess.run(["chroot", self.root, "/usr/bin/systemctl.real", "--root=/", "enable", *names],
                                  stdout=self.log, stderr=self.log)
            if done.returncode != 0 or "--now" not in options:
                return done.returncode
            return self.start()
        if verb == "is-active":
            return 0 if self.alive() else 3
        if verb == "reload" and names == ["prometheus"]:
            return self.start_prometheus()
        if verb == "reload":
            return self.as_weir(self.service["ExecReload"][0]).wait(60)
        if verb == "restart":
            self.stop()
            return self.start()
        if verb == "kill":
            signals = {option.split("=")[1] for option in options if option.startswith("--signal=")}
            os.kill(self.main, getattr(signal, "SIG" + signals.pop()))
            return 0
        if verb == "daemon-reload":
            return 0
        raise ValueError("systemctl %s is not played" % verb)

    @property
    def service(self):
        return unit(self.root + "/lib/systemd/system/weir.service")["Service"]

    def alive(self):
        return self.main is not None and os.path.exists("/proc/%d/exe" % self.main)

    def open_sockets(self):
        """Those that are enabled; they outlive the service."""
        for path in sorted(glob.glob(self.root + "/etc/systemd/system/sockets.target.wants/weir*.socket")):
            section = unit(self.root + "/lib/systemd/system/" + os.path.basename(path))["Socket"]
            name, port = section["FileDescriptorName"][0], int(section["ListenStream"][-1])
            if name not in self.sockets:
                self.sockets[name] = socket.create_server(("", port), backlog=4096)

    def environment(self):
        service = self.service
        for key, place in (("StateDirectory", "/var/lib/"), ("LogsDirectory", "/var/log/"), ("RuntimeDirectory", "/run/")):
            directory = self.root + place + service[key][0]
            os.makedirs(directory, exist_ok=True)
            os.chown(directory, USER, USER)
        name, source = service["LoadCredential"][0].split(":")
        credentials = self.root + "/run/credentials/weir.service"
        shutil.rmtree(credentials, ignore_errors=True)
        os.makedirs(credentials)
        for file in os.listdir(self.root + source):
            shutil.copy("%s%s/%s" % (self.root, source, file), "%s/%s_%s" % (credentials, name, file))
            os.chown("%s/%s_%s" % (credentials, name, file), USER, USER)
        return {"PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": "/run/play/notify", "CREDENTIALS_DIRECTORY":
                "/run/credentials/weir.service", "WATCHDOG_USEC": service["WatchdogSec"][0].rstrip("s") + "000000"}

    def as_weir(self, command, sockets=()):
        """In the root, without rights; sockets are passed as sd_listen_fds(3) has it."""
        environment = self.environment()
        if sockets:
            environment.update(LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES=":".join(self.sockets))
        script = "exec " + " ".join("%d<&%d" % (3 + i, fd) for i, fd in enumerate(sockets)) if sockets else "true"
        script += "; LISTEN_PID=$$ exec /usr/sbin/chroot --userspec=%d:%d %s %s" % (USER, USER, self.root, command)
        return subprocess.Popen(["/bin/bash", "-c", script], env=environment, pass_fds=sockets, stdout=self.log,
                                stderr=self.log)

    def start(self):
        for command in self.service["ExecStartPre"]:
            if self.as_weir(command).wait(60) != 0:
                return 1
        self.open_sockets()
        # Above 9, so that none is where it is to be put.
        fds = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 10) for one in self.sockets.values()]
        ready = self.supervisor.count("READY")
        self.process = self.as_weir(self.service["ExecStart"][0], fds)
        self.main = self.process.pid
        for fd in fds:
            os.close(fd)
        self.supervisor.wait_for("READY", count=ready + 1)
        return 0

    def stop(self):
        main = self.main
        os.kill(main, signal.SIGTERM)
        rig.wait_until(lambda: self.process.poll() is not None if main == self.process.pid else not self.alive(),
                       "weir has ended", 60)

    def follow_main(self):
        """MAINPID of the last notice, as systemd does."""
        told = self.supervisor.values("MAINPID")
        self.main = int(told[-1]) if told else self.main

    def start_prometheus(self):
        if self.prometheus:
            self.prometheus.kill()
            self.prometheus.wait()
        os.makedirs(self.root + "/run/prometheus")
        self.prometheus = subprocess.Popen(
            ["chroot", self.root, "/usr/bin/prometheus", "--config.file=/etc/prometheus/prometheus.yml",
             "--storage.tsdb.path=/run/prometheus", "--web.listen-address=127.0.0.1:9090"],
            stdout=self.log, stderr=self.log)
        return 0


def unmounted(place):
    """All that is mounted there is gone; else the process ends before anything could be removed through it."""
    subprocess.run(["umount", "--recursive", "--lazy", place], check=False)
    with open("/proc/self/mountinfo") as mounts:
        if any(line.split()[4].startswith(place) for line in mounts):
            os._exit(1)


def root_of_its_own(case):
    """An overlay of LOWER; what is written is gone with the mount namespace."""
    place = case.path("place")
    os.makedirs(place)
    case.addCleanup(unmounted, place)  # before the directory is removed, which was registered earlier
    run = lambda *words: subprocess.run(words, check=True)
    run("mount", "-t", "tmpfs", "tmpfs", place)
    for name in ("upper", "work", "root"):
        os.mkdir("%s/%s" % (place, name))
    root = place + "/root"
    run("mount", "-t", "overlay", "overlay", "-o",
        "lowerdir=%s,upperdir=%s/upper,workdir=%s/work" % (LOWER, place, place), root)
    run("mount", "-t", "proc", "proc", root + "/proc")
    for name in ("dev", "run", "tmp", "root"):
        run("mount", "-t", "tmpfs", "tmpfs", root + "/" + name)
    # Nodes of its own: nothing of the machine's is mounted under a directory that is removed at the end.
    for name, major, minor in (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)):
        os.mknod(root + "/dev/" + name, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
        os.chmod(root + "/dev/" + name, 0o666)
    for name, to in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink("/proc/self/" + to, root + "/dev/" + name)
    os.makedirs(root + "/run/systemd/system")  # booted with systemd, as packages ask (sd_booted(3))
    return root


def bring_up_loopback():
    with socket.socket() as one:
        request = struct.pack("16sH14s", b"lo", 1, b"")  # IFF_UP
        fcntl.ioctl(one, 0x8914, request)  # SIOCSIFFLAGS


class Commands(rig.Case):
    def setUp(self):
        super().setUp()
        bring_up_loopback()
        self.root = root_of_its_own(self)
        self.log = open(self.path("log"), "a", buffering=1)
        os.makedirs(self.root + "/run/play-notify")
        self.origins = [rig.Origin("old"), rig.Origin("new")]

    def shim(self, path, text):
        """In the place of a program, which is kept beside it."""
        path = self.root + path
        if os.path.lexists(path):
            os.rename(path, path + ".real")
        with open(path, "w") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)

    def type(self, line):
        """As somebody at the machine types it."""
        done = subprocess.run(
            ["chroot", self.root, "/bin/bash", "-c", "cd /root && " + line], capture_output=True, text=True, timeout=300,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
                 "DEBIAN_FRONTEND": "noninteractive", "USER": "root"})
        self.log.write("$ %s\n%s%s" % (line, done.stdout, done.stderr))
        self.assertEqual(done.returncode, 0, self.read("log"))
        return done.stdout

    def package(self, version, name):
        """The package that the workflow makes; a newer one is the same with another version."""
        made = self.path("made")
        if not os.path.isdir(made):
            for words in (("cmake", "--build", BUILD, "--target", "weir", "weir_papers"),
                          ("cpack", "--config", BUILD + "/CPackConfig.cmake", "-B", made)):
                done = self.run_to_end(*words)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        deb, = glob.glob(made + "/weir_*.deb")
        if version in os.path.basename(deb):
            return shutil.copy(deb, self.root + "/root/" + name)
        tree = self.path("tree")
        self.run_to_end("dpkg-deb", "-R", deb, tree)
        control = self.read("tree/DEBIAN/control")
        self.write("tree/DEBIAN/control", re.sub(r"(?m)^Version: .*$", "Version: " + version, control))
        done = self.run_to_end("dpkg-deb", "--root-owner-group", "-b", tree, self.root + "/root/" + name)
        self.assertEqual(done.returncode, 0, done.stderr)
        return name

    def prometheus(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", 9090, timeout=rig.PATIENCE)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())["data"]
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def under_load(self, line):
        load = rig.Load("127.0.0.1:80")
        load.wait_for(30)
        self.type(line)
        self.init.follow_main()
        load.wait_for(30)
        load.end()
        self.assertEqual(load.failures, [])
        print("%s: %d requests, none failed; longest wait %.0f ms" % (line, load.count, load.longest * 1000), end="; ")

    def test_the_six_commands_lead_to_a_serving_watched_restartable_weir(self):
        install, edit, enable, watch, split, restart = commands()
        self.package("0.1.0", re.search(r"\./(\S+\.deb)", install)[1])
        supervisor = rig.Supervisor(self.root + "/run")  # /run/notify
        self.init = Init(self.root, supervisor, self.log)
        os.symlink("../notify", self.root + "/run/play/notify")
        os.chmod(self.root + "/run/notify", 0o777)
        self.shim("/usr/bin/systemctl", 'echo "$*" >/run/play/ask\nread -r code </run/play/answer\nexit "$code"\n')
        edits = "".join(" -e s/127.0.0.1:900%d/%s/" % (i + 1, one.address) for i, one in enumerate(self.origins))
        self.shim("/usr/bin/editor", 'exec sed -i%s "$1"\n' % edits)
        with open(self.root + "/etc/apt/apt.conf.d/99yes", "w") as file:
            file.write('APT::Get::Assume-Yes "true";\n')  # what one would type
        self.type("dpkg --purge weir >/dev/null 2>&1 || true")

        self.type(install)
        self.assertFalse(self.init.alive(), "installed is not started")
        self.assertIn("/etc/weir/weir.yaml: ok\n", self.type(edit))
        self.type(enable)
        self.assertEqual(rig.answer_of("127.0.0.1:80"), (200, "old"))
        self.type(watch)
        rig.wait_until(lambda: [one for one in (self.prometheus("/api/v1/query?query=up") or {"result": []})["result"]
                                if one["metric"]["job"] == "weir" and one["value"][1] == "1"], "Prometheus sees weir", 60)
        groups = self.prometheus("/api/v1/rules")["groups"]
        self.assertTrue(any(rule["type"] == "alerting" for group in groups for rule in group["rules"]))
        self.assertIn("revision 2, in force on", self.type(split))
        self.under_load(restart)
        self.assertIn("new 1%", self.type("weir split show"))

        # And what README says of the rest: a reload, an upgrade, and a newer package.
        self.type("systemctl reload weir")
        self.under_load("weir upgrade")
        self.package("0.1.1", "newer.deb")
        before = self.init.main
        self.under_load("apt install ./newer.deb && while weir split show 2>&1 | grep -q cannot; do :; done")
        rig.wait_until(lambda: self.init.follow_main() or self.init.main != before, "the newer program has taken over")
        self.assertIn("new 1%", self.type("weir split show"))
        self.type("apt remove weir || true")
        print(end=" ")


if __name__ == "__main__" and not os.environ.get("WEIR_INSIDE"):
    os.environ["WEIR_INSIDE"] = "yes"
    os.execvp("unshare", ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child",
                          sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
rig.main()
