"""A Debian 12 of a test's own, booted by a real systemd: its own processes, mounts, control groups and network.

Its root is a copy-on-write view of this machine's, or of the folder that WEIR_BARE_ROOT names (`./dev bare` makes one),
whose services are all disabled. Nothing of this machine is mounted into it: /dev is a tmpfs with nodes made anew, /proc,
/sys and the control groups are mounts of their own. All of it hangs over /mnt in a mount namespace that nobody else is in,
and is gone with its last process; nothing has to be removed."""
import fcntl
import glob
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import time

import rig

BARE = os.environ.get("WEIR_BARE_ROOT")
PLACE = "/mnt"
ROOT = PLACE + "/root"
BOOTS_WITHIN = 120.0
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
               "DEBIAN_FRONTEND": "noninteractive", "USER": "root", "SYSTEMD_PAGER": "", "TERM": "dumb"}

# The first process of the machine: joins its control group, mounts, leaves this machine's root behind, becomes systemd.
JOIN = 'echo 0 >"$1/cgroup.procs"; exec unshare --cgroup /bin/sh -ec "$2" boot "$3"'
BOOT = r"""
root=$1
cd "$root"
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755,nosuid tmpfs dev
for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "dev/${node%:*}" c 1 "${node#*:}"; done
mknod -m 666 dev/tty c 5 0
ln -s /proc/self/fd dev/fd; ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp
pivot_root . mnt
umount --lazy /mnt
mount --make-rshared /
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
"""


def in_namespaces(file):
    """Runs this program again with processes, mounts and a network of its own; all of it ends with it."""
    if os.environ.get("WEIR_MACHINE") == "inside":
        with socket.socket() as one:
            fcntl.ioctl(one, 0x8914, struct.pack("16sH14s", b"lo", 1, b""))  # SIOCSIFFLAGS, IFF_UP
        return
    os.environ["WEIR_MACHINE"] = "inside"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child",
                          "--mount-proc", sys.executable, os.path.abspath(file), *sys.argv[1:]])


def mounts():
    with open("/proc/self/mountinfo") as file:
        return [line.split() for line in file]


class Machine:
    """Once in a process, inside `in_namespaces`."""

    def __init__(self):
        shared = [one[4] for one in mounts() if any(word.startswith("shared:") for word in one[6:one.index("-")])]
        assert not shared, "mounts that others would see: %s" % shared
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", PLACE)
        for name in ("upper", "work", "root", "groups"):
            os.mkdir("%s/%s" % (PLACE, name))
        run("mount", "-t", "overlay", "overlay", "-o",
            "lowerdir=%s,upperdir=%s/upper,workdir=%s/work" % (BARE or "/", PLACE, PLACE), ROOT)
        run("mount", "-t", "cgroup2", "cgroup2", PLACE + "/groups")
        self.group = "%s/groups/weir-test-%s" % (PLACE, os.urandom(6).hex())
        os.mkdir(self.group)
        self.disable_everything()
        self.process = self.leader = None

    def disable_everything(self):
        """What this machine starts at its boot is none of the test's."""
        for path in glob.glob(ROOT + "/etc/systemd/system/*.wants") + glob.glob(ROOT + "/etc/rc[0-9S].d"):
            shutil.rmtree(path)
        for path in ("/usr/sbin/policy-rc.d", "/etc/systemd/system/default.target", "/etc/machine-id", "/etc/fstab"):
            if os.path.lexists(ROOT + path):
                os.unlink(ROOT + path)
        self.write("/etc/machine-id", "")
        # One that hands out addresses is not there, and what waits for the network need not.
        self.write("/etc/hosts", "127.0.0.1 localhost machine\n::1 localhost\n")
        self.write("/etc/systemd/journald.conf.d/test.conf", "[Journal]\nStorage=volatile\nRateLimitBurst=0\n")
        for unit in ("getty.target", "systemd-logind.service", "apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer",
                     "fstrim.timer", "systemd-networkd-wait-online.service", "networking.service", "dpkg-db-backup.timer"):
            path = ROOT + "/etc/systemd/system/" + unit
            if not os.path.lexists(path):
                os.symlink("/dev/null", path)

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(ROOT + path), exist_ok=True)
        with open(ROOT + path, "w") as file:
            file.write(text)
        os.chmod(ROOT + path, mode)

    def boot(self):
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
             "/bin/sh", "-ec", JOIN, "join", self.group, BOOT, ROOT], stdin=subprocess.DEVNULL)
        children = "/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)

        def first():
            assert self.process.poll() is None, "it ended while it booted"
            with open(children) as file:
                return file.read().split()

        self.leader = rig.wait_until(first, "its first process", BOOTS_WITHIN)[0]

        def up():
            assert self.process.poll() is None, "it ended while it booted"
            with open("/proc/%s/comm" % self.leader) as file:
                if file.read().strip() != "systemd":
                    return False
            return re.match("running|degraded", self.run("systemctl", "is-system-running").stdout)

        rig.wait_until(up, "it has booted", BOOTS_WITHIN, 0.1)

    def run(self, *words, timeout=120, **more):
        """In the machine, as root."""
        return subprocess.run(["nsenter", "--target", self.leader, "--mount", "--uts", "--ipc", "--pid", "--cgroup", *words],
                              capture_output=True, text=True, timeout=timeout, env=ENVIRONMENT, **more)

    def type(self, line, timeout=300):
        """As somebody types it there."""
        return self.run("/bin/bash", "-c", "cd /root && " + line, timeout=timeout)

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.remove_groups()

    def remove_groups(self):
        """Its control groups, which are empty as soon as its last process has gone."""
        def removed():
            for directory, _, _ in os.walk(self.group, topdown=False):
                try:
                    os.rmdir(directory)
                except OSError:
                    return False
            return not os.path.exists(self.group)

        rig.wait_until(removed, "its control groups are empty")


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, "%s: %s%s" % (" ".join(words), done.stdout, done.stderr)


if __name__ == "__main__":  # whether there can be one here: CMake asks
    in_namespaces(__file__)
    began = time.monotonic()
    one = Machine()
    try:
        one.boot()
        print("booted in %.1f s: %s" % (time.monotonic() - began, one.run("systemctl", "--version").stdout.splitlines()[0]))
    finally:
        one.end()
