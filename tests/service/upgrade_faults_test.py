"""What may go wrong while weir hands over to a new process: the old one stays, or the new one goes on; nothing is lost."""
import http.client
import json
import os
import resource
import shutil
import signal
import threading

import rig
import upgrading

ANY = resource.RLIM_INFINITY

# Says that it would serve, and gets the state.
DECEIVER = """#!/usr/bin/python3
import json, os, socket, time
wire = socket.socket(fileno=json.loads(os.environ["WEIR_ESTATE"])["wire"])
wire.send(b"ready")
assert wire.recv(64) == b"go"
%s
"""


class Stays(upgrading.Upgrading):
    def test_the_old_one_stays_when_the_new_one_does_not_start(self):
        self.weir()
        self.replace_program("#!/bin/sh\nexit 1\n")
        self.stays("it ended before it served")
        self.replace_program("#!/bin/sh\nkill -SEGV $$\n")
        self.stays("it ended before it served")
        self.replace_program("half of a program")
        self.stays("cannot start .*/weir: Exec format error")
        os.chmod(self.program, 0o644)
        self.stays("cannot start .*/weir: Permission denied")
        os.unlink(self.program)
        self.stays("cannot start .*/weir: No such file or directory")
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
        self.supervised.wait_for("MAINPID")
        self.asked("split", "set", "shop", "new=1%")
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

    def test_the_old_one_stays_when_the_new_one_is_killed(self):
        self.weir()
        asking, answers = self.gated()
        for successor in self.successors():
            os.kill(successor, signal.SIGKILL)
        asking.join(rig.PATIENCE)
        self.assertEqual(answers[0].returncode, 1)
        self.assertIn("it ended before it served", answers[0].stderr)
        self.assertEqual(rig.answer_of(self.edge)[0], 200)
        self.asked("split", "set", "shop", "new=3%")

    def fails_with_the_state_in_its_hands(self, how, told):
        self.weir_with_rollout()
        self.asked("rollout", "start", "shop")
        sound = self.path("sound")
        shutil.copy(self.program, sound)
        load = rig.Load(self.edge, kept_may_end=False)
        self.replace_program(DECEIVER % how)
        self.stays_with(told)
        load.wait_for(30)
        load.end()
        self.assertEqual(load.failures, [])
        self.assertEqual(self.supervised.values("MAINPID"), [])
        # Rollouts go on, call their hooks (which nobody answers here), are kept, and can be handed over for good.
        tried = self.read("log").count("was not told of stage")
        self.asked("rollout", "skip", "shop")
        rig.wait_until(lambda: self.read("log").count("was not told of stage") > tried, "a hook that is called")
        self.asked("rollout", "pause", "shop")
        os.rename(sound, self.program)
        self.upgrade()
        self.assertIn("shop: paused at 40%", self.asked("rollout", "status", "shop"))

    def test_the_old_one_takes_back_what_the_new_one_had_when_it_ended(self):
        self.fails_with_the_state_in_its_hands("", "it ended before it served")

    def test_the_old_one_takes_back_what_the_new_one_had_when_it_hung(self):
        self.fails_with_the_state_in_its_hands("time.sleep(600)", "it did not serve within 10 s")

    def test_on_a_full_disk_a_rollback_is_not_lost_by_an_upgrade(self):
        self.weir()
        self.asked("split", "set", "shop", "new=40%")
        full = lambda most: resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (most, ANY))
        full(0)
        self.asked("rollback", "shop", "--reason", "while nothing can be written")
        self.stays_with("the state cannot be written")
        self.assertIn("closed", self.asked("split", "show"))
        full(ANY)
        self.upgrade()
        self.assertIn("closed", self.asked("split", "show"))
        self.assertIn("while nothing can be written", self.asked("history", "shop"))

    def test_on_a_full_disk_it_is_handed_over_what_was_written_before(self):
        self.weir(more="access_log: { path: %s }" % self.path("access.log"))
        self.asked("split", "set", "shop", "new=40%")
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (0, ANY))  # the new process has it from the old one
        successor = self.upgrade()
        self.assertIn("new 40%", self.asked("split", "show"))
        self.assertEqual(rig.answer_of(self.edge)[0], 200)
        self.assertEqual(self.ask("split", "set", "shop", "new=50%").returncode, 1)
        resource.prlimit(successor, resource.RLIMIT_FSIZE, (ANY, ANY))
        self.asked("split", "set", "shop", "new=50%")

    def stays_with(self, why):
        done = self.ask("upgrade")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(why, done.stderr)
        self.assertEqual(rig.answer_of(self.edge)[0], 200)

    def test_neither_upgrades_nor_refusals_leave_a_descriptor_behind(self):
        self.weir()
        count = lambda process: len(os.listdir("/proc/%d/fd" % process))
        sound = self.path("sound")
        shutil.copy(rig.PROGRAM, sound)
        self.replace_program("#!/bin/sh\nexit 1\n")
        self.stays_with("it ended before it served")
        before = count(self.process.pid)
        for _ in range(3):
            self.stays_with("it ended before it served")
        rig.wait_until(lambda: count(self.process.pid) <= before, "as many descriptors as before %d" % before)
        os.rename(sound, self.program)
        counts = []
        for _ in range(4):
            successor = self.upgrade()
            # The one before has ended, and no client or scrape is there any more.
            rig.wait_until(lambda: len(self.successors()) == 1, "the one before has ended")
            counts.append(rig.wait_until(lambda: self.settled(count, successor), "nothing is open for a moment"))
        self.assertEqual(counts[1:], counts[1:2] * 3)

    def settled(self, count, process):
        """What two looks in a row agree on."""
        first = count(process)
        rig.time.sleep(0.2)
        return first if first == count(process) else None


class Nothing(upgrading.Upgrading):
    """… is lost: neither lines nor what is under way."""

    def loaded_over_upgrades(self, load, upgrades=3):
        load.wait_for(50)
        for _ in range(upgrades):
            self.upgrade()
            load.wait_for(50)
        load.end()
        self.assertEqual(load.failures, [])
        rig.wait_until(lambda: self.process.poll() is not None and len(self.successors()) == 1, "those before have ended", 60)

    def test_each_request_has_its_line_in_the_access_log(self):
        self.weir(more="access_log: { path: %s }" % self.path("access.log"))
        load = rig.Load(self.edge, kept_may_end=False)
        self.loaded_over_upgrades(load)
        read = lambda: [json.loads(line)["request_id"] for line in self.read("access.log").splitlines()]
        rig.wait_until(lambda: len(read()) >= load.count, "%d lines" % load.count)
        self.assertEqual((len(read()), len(set(read()))), (load.count, load.count))
        print("%d requests over 3 upgrades, as many lines" % load.count, end=" ")

    def test_each_rating_that_was_taken_is_kept(self):
        self.edge = "%s:%d" % (self.host, rig.free_port(self.host))
        self.configuration(self.edge, self.old.address, self.new.address,
                           more="state: { directory: %s }" % self.path("state"))
        self.write("weir.yaml", self.read("weir.yaml").replace("stable: old,", "stable: old, feedback: {},"))
        self.weir(edge=self.edge)
        raters = [Rater(self.edge, number) for number in range(4)]
        self.loaded_over_upgrades(rig.Load(self.edge, threads=1, kept=1))
        for rater in raters:
            rater.end()
        self.assertEqual([wrong for rater in raters for wrong in rater.wrong], [])
        taken = sorted(comment for rater in raters for comment in rater.taken)
        self.assertGreater(len(taken), 10)
        kept = lambda: sorted(json.loads(line)["comment"] for line in self.read("state/feedback/shop.jsonl").splitlines())
        rig.wait_until(lambda: len(kept()) >= len(taken), "%d ratings" % len(taken))
        self.assertEqual(kept(), taken)
        print("%d ratings over 3 upgrades, as many lines" % len(taken), end=" ")

    def test_the_new_one_waits_for_the_one_before_and_one_term_cuts_nothing(self):
        self.weir()
        slow = self.slow_request()
        successor = self.upgrade()
        os.kill(successor, signal.SIGTERM)
        self.process.send_signal(signal.SIGTERM)
        idle = lambda: [1 for _, by, fields in list(self.supervised.notices)
                        if by == successor and "draining: 0 connections" in fields.get("STATUS", "")]
        rig.wait_until(lambda: len(idle()) >= 2, "the new one has nothing to do, and stays")
        self.assertIn(b"200 OK", slow.recv(4096))
        self.assertEqual(self.process.wait(rig.PATIENCE), 0)
        rig.wait_until(lambda: not self.successors(), "the new one has ended too")
        log = self.read("log")
        self.assertEqual(log.count(" ended\n"), 2, log)
        self.assertNotIn("are cut", log)
        self.assertNotIn("ending at once", log)

    def test_under_changes_from_all_sides_every_request_is_served(self):
        self.weir()
        load, ended = rig.Load(self.edge, kept_may_end=False), threading.Event()

        def change():
            share = 0
            while not ended.wait(0.1):  # so that some upgrades fall between two changes
                share = share % 90 + 1
                self.ask("split", "set", "shop", "new=%d%%" % share)
                os.rename(self.write("another.yaml", self.read("weir.yaml")), self.path("weir.yaml"))

        changing = threading.Thread(target=change, daemon=True)
        changing.start()
        came = []
        for _ in range(6):
            load.wait_for(30)
            came.append(self.ask("upgrade"))
        ended.set()
        changing.join(rig.PATIENCE)
        load.end()
        self.assertEqual(load.failures, [])
        for one in came:
            self.assertRegex(one.stdout + one.stderr, "serves now|changed meanwhile|not as the weir before has it|under way")
        self.upgrade()
        self.asked("split", "set", "shop", "new=0%")
        self.assertEqual(rig.answer_of(self.edge), (200, "old"))
        print("%d of 6 came through" % sum(one.returncode == 0 for one in came), end=" ")


class Rater:
    """Users who rate, one after another; what was taken."""

    def __init__(self, address, number):
        self.address, self.number, self.taken, self.wrong = address, number, [], []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._rate, daemon=True)
        self.thread.start()

    def _rate(self):
        count = 0
        while not self.ended.is_set():
            count += 1
            comment = "%d-%d" % (self.number, count)
            try:
                status, _ = rig.answer_of(self.address, "/.weir/feedback", "POST", {"X-User-Id": comment},
                                          json.dumps({"rating": 3, "comment": comment}))
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(repr(error))
                continue
            if status == 202:
                self.taken.append(comment)
            else:
                self.wrong.append("status %d" % status)

    def end(self):
        self.ended.set()
        self.thread.join(rig.PATIENCE)


rig.main()
