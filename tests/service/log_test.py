"""The access log is rotated while requests come: no line is lost, and none is torn."""
import glob
import json
import os
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


rig.main()
