"""The access log is rotated while requests come: no line is lost, and none is torn. What weir tells of itself has the
journal's levels, and what repeats itself is counted."""
import glob
import json
import os
import re
import signal

import rig


class Rotation(rig.Case):
    def setUp(self):
        super().setUp()
        self.edge = "%s:%d" % (self.host, rig.free_port(self.host))
        self.configuration(self.edge, self.origin("old").address,
                           more="access_log: { path: %s, format: json }" % self.path("access.log"))
        self.process = self.start(rig.PROGRAM, "run", "-c", self.path("weir.yaml"))

        def serving():
            try:
                return rig.answer_of(self.admin, "/readyz")[0] == 200
            except OSError:
                return False

        rig.wait_until(serving, "weir serves")

    def lines(self):
        found = []
        for path in glob.glob(self.path("access.log*")):
            with open(path) as file:
                found += [json.loads(line)["request_id"] for line in file]
        return found

    def rotate(self, number, signalled):
        os.rename(self.path("access.log"), self.path("access.log.%d" % number))
        if signalled:
            self.process.send_signal(signal.SIGUSR1)
            rig.wait_until(lambda: os.path.exists(self.path("access.log")), "the log is opened again")

    def rotated_under_load(self, rotations, signalled):
        load = rig.Load(self.edge)
        for number in range(rotations):
            load.wait_for(40)
            self.rotate(number, signalled)
        load.wait_for(40)
        load.end()
        self.assertEqual(load.failures, [])
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(rig.PATIENCE), 0)
        found = self.lines()
        self.assertEqual(len(found), len(set(found)))
        self.assertEqual(len(found), load.count)
        return load.count

    def test_by_usr1_no_line_is_lost(self):
        print("%d lines in 6 files" % self.rotated_under_load(5, True), end=" ")

    def test_by_rename_alone_the_lines_go_on_into_the_renamed_file(self):
        self.rotated_under_load(1, False)
        self.assertFalse(os.path.exists(self.path("access.log")))


class OwnLog(rig.Case):
    def weir(self, stream):
        """Its standard error is a file; `stream` is what JOURNAL_STREAM says of it."""
        status = os.stat(self.write("log", ""))
        self.configuration("%s:%d" % (self.host, rig.free_port(self.host)), self.origin("old").address)
        self.start(rig.PROGRAM, "run", "-c", self.path("weir.yaml"),
                   environment={"JOURNAL_STREAM": stream % (status.st_dev, status.st_ino)})
        rig.wait_until(lambda: "admin on" in self.read("log"), "weir serves")

    def break_file(self):
        self.write("weir.yaml", self.read("weir.yaml").replace("workers: 2", "workers: two"))

    def test_lines_for_the_journal_have_its_levels_and_no_time(self):
        self.weir("%d:%d")
        self.break_file()
        rig.wait_until(lambda: "was not loaded" in self.read("log"), "the file is found wrong")
        lines = self.read("log").splitlines()
        self.assertRegex("\n".join(lines), r"(?m)^<6>listening on ")
        self.assertRegex("\n".join(lines), r"(?m)^<3>/.*weir.yaml:4:[0-9]+: workers: .two. is not a number")
        for line in lines:
            self.assertRegex(line, "^<[2346]>[^ ]")

    def test_a_weir_that_does_not_start_tells_the_journal_that_it_is_an_error(self):
        status = os.stat(self.write("log", ""))
        self.write("weir.yaml", "listeners: []\n")
        process = self.start(rig.PROGRAM, "run", "-c", self.path("weir.yaml"),
                             environment={"JOURNAL_STREAM": "%d:%d" % (status.st_dev, status.st_ino)})
        self.assertEqual(process.wait(rig.PATIENCE), 3)
        lines = self.read("log").splitlines()
        self.assertTrue(lines)
        self.assertEqual([line for line in lines if not line.startswith("<3>")], [])

    def test_another_file_than_the_journal_gets_time_and_level_in_words(self):
        self.weir("%d:1%d")
        for line in self.read("log").splitlines():
            self.assertRegex(line, r"^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (info|warning) ")

    def test_what_repeats_itself_is_counted_and_told_once(self):
        self.weir("%d:%d")
        self.break_file()
        for _ in range(20):
            self.assertEqual(rig.answer_of(self.admin, "/-/reload", "POST")[0], 422)
        more = r"^<3>(\d+) more of these in 10 s: /.*weir.yaml:.* is not a number"
        rig.wait_until(lambda: re.search("(?m)" + more, self.read("log")), "the count is told")
        failed = int(re.search(r'weir_config_reloads_total\{result="(?!success)\w+"\} (\d+)', self.metrics())[1])
        lines = [line for line in self.read("log").splitlines() if "is not a number" in line]
        plain = [line for line in lines if line.startswith("<3>/")]
        counted = [int(re.match(more, line)[1]) for line in lines if line not in plain]
        self.assertEqual((len(plain), len(plain) + sum(counted)), (5, failed))


rig.main()
