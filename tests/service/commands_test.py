"""README's six commands, typed on a Debian 12 of their own under a real systemd (machine.py): from the package to a
serving, watched, restartable weir; then what README says of reloads, upgrades, newer packages and the next boot."""
import http.client
import json
import re
import urllib.parse

import machine
import packed
import rig


def commands():
    """The lines of README's block, without what is said behind them."""
    block = re.search(r"```\n(apt install ./weir_.*?)```", rig.text_of("README.md"), re.S)[1]
    return [line.split("  #")[0].strip() for line in block.splitlines()]


class Commands(rig.Case):
    def setUp(self):
        super().setUp()
        self.packed = packed.Packed()
        self.addCleanup(self.packed.remove)
        self.origins = [self.origin("old"), self.origin("new")]
        self.machine = machine.Machine()
        self.addCleanup(self.machine.end)
        self.told = []

    def type(self, line):
        """As somebody at the machine types it: what it printed."""
        done = self.machine.type(line)
        self.told.append("$ %s\n%s%s" % (line, done.stdout, done.stderr))
        if done.returncode != 0:
            self.told.append(self.machine.type("systemctl --full status weir; journalctl -u weir -n 50").stdout)
        self.assertEqual(done.returncode, 0, "".join(self.told))
        return done.stdout

    def operator(self):
        """Who says yes to apt, and enters the origins' addresses into the file."""
        edits = "".join(" -e s/127.0.0.1:900%d/%s/" % (i + 1, one.address) for i, one in enumerate(self.origins))
        self.machine.write("/usr/local/bin/editor", '#!/bin/sh\nexec sed -i%s "$1"\n' % edits, 0o755)
        self.machine.write("/etc/apt/apt.conf.d/99yes", 'APT::Get::Assume-Yes "true";\n')

    def prometheus(self, path):
        try:
            return json.loads(rig.answer_of("127.0.0.1:9090", path)[1])["data"]
        except (OSError, http.client.HTTPException, ValueError):
            return None

    def series(self, expression):
        found = self.prometheus("/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        return found["result"] if found else []

    def main_process(self):
        return int(self.type("systemctl show --property MainPID --value weir"))

    def under_load(self, line, until=lambda: True):
        load = rig.Load("127.0.0.1:80")
        load.wait_for(30)
        self.type(line)
        rig.wait_until(until, line, 60)
        load.wait_for(30)
        load.end()
        self.assertEqual(load.failures, [])
        print("%s: %d requests, none failed; longest wait %.0f ms" % (line, load.count, load.longest * 1000), end="; ")

    def test_the_six_commands_lead_to_a_serving_watched_restartable_weir(self):
        install, edit, enable, watch, split, restart = commands()
        self.packed.newer("99.0.0", machine.ROOT + "/root/newer.deb")
        rig.shutil.copy(self.packed.deb, machine.ROOT + "/root/" + re.search(r"\./(\S+\.deb)", install)[1])
        self.operator()
        self.machine.boot()

        self.type(install)
        self.assertEqual(self.machine.type("systemctl is-active weir.service").stdout, "inactive\n", "installed is not started")
        self.assertIn("/etc/weir/weir.yaml: ok\n", self.type(edit))
        self.type(enable)
        self.assertEqual(rig.answer_of("127.0.0.1:80"), (200, "old"))
        self.type(watch)
        rig.wait_until(lambda: [one["value"][1] for one in self.series('up{job="weir"}')] == ["1"], "Prometheus sees weir", 60)
        rules = [rule for group in self.prometheus("/api/v1/rules")["groups"] for rule in group["rules"]]
        self.assertTrue([rule for rule in rules if rule["type"] == "alerting"])
        self.assertIn("revision 2, in force on", self.type(split))
        self.under_load(restart)
        self.assertIn("new 1%", self.type("weir split show"))

        self.type("systemctl reload weir")
        for line in ("weir upgrade", "apt install ./newer.deb"):
            before = self.main_process()
            self.under_load(line, lambda: self.main_process() != before)
        self.assertIn("new 1%", self.type("weir split show"))
        self.assertEqual(self.machine.type("systemctl is-enabled weir.service weir.socket").stdout, "enabled\nenabled\n")
        self.type("apt purge weir")
        self.assertEqual(self.machine.type("ls -d /etc/weir /var/lib/weir /var/lib/private/weir").stdout, "")
        self.assertEqual(self.machine.type("systemctl is-active weir.service weir.socket").stdout, "inactive\ninactive\n")


machine.in_namespaces(__file__)
rig.main()
