"""The rules and the dashboard of systemd/watch/, by Prometheus itself; the dashboard against a weir under traffic."""
import json
import re
import subprocess
import urllib.parse

import rig


RULES = rig.text_of("systemd/watch/weir.rules.yml")


def tool(*words):
    return subprocess.run(("/usr/bin/promtool",) + words, capture_output=True, text=True, timeout=60)


class Rules(rig.Case):
    def test_the_configuration_that_is_packed_is_sound(self):
        done = tool("check", "config", "--syntax-only", rig.SOURCE + "/systemd/watch/prometheus.yml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_prometheus_takes_them(self):
        done = tool("check", "rules", rig.SOURCE + "/systemd/watch/weir.rules.yml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_alert_comes_when_it_should_and_not_before(self):
        done = tool("test", "rules", rig.SOURCE + "/tests/service/weir.rules.test.yml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_no_alert_is_without_a_test(self):
        tests = rig.text_of("tests/service/weir.rules.test.yml")
        for alert in re.findall(r"- alert: (\w+)", RULES):
            self.assertRegex(tests, r"alertname: %s\n\s+exp_alerts:\n\s+- exp_labels" % alert)


class Dashboard(rig.Case):
    def setUp(self):
        super().setUp()
        self.dashboard = json.loads(rig.text_of("systemd/watch/grafana-weir.json"))
        old, new = self.origin("old"), self.origin("new")
        dead = "%s:%d" % (self.host, rig.free_port(self.host))
        self.edge = "%s:%d" % (self.host, rig.free_port(self.host))
        self.configuration(self.edge, old.address, new.address, more="limits: { connections: 100 }")
        text = self.read("weir.yaml").replace("stable: old,", """stable: old,
          rules: [{ name: staff, when: { header: { X-Staff: "1" } }, send: new }], match: [{ host: shop.example }],""")
        text = text.replace('"%s"] }, new' % old.address, '"%s", "%s"] }, new' % (old.address, dead))
        self.write("weir.yaml", text)
        self.start(rig.PROGRAM, "run", "-c", self.path("weir.yaml"))
        rig.wait_until(self.serving, "weir serves")

    def serving(self):
        try:
            return rig.answer_of(self.admin, "/readyz")[0] == 200
        except OSError:
            return False

    def traffic(self):
        for user in range(20):
            for target in ("/", "/fail"):
                rig.answer_of(self.edge, target, headers={"Host": "shop.example", "X-User-Id": "user-%d" % user})
        rig.answer_of(self.edge, headers={"Host": "shop.example", "X-Staff": "1"})
        rig.answer_of(self.edge, headers={"Host": "nobody.example"})

    def prometheus(self):
        """Scrapes five times a second, with the rules; gives its address."""
        address = "%s:%d" % (self.host, rig.free_port(self.host))
        self.write("prometheus.yml", """
global: { scrape_interval: 200ms, evaluation_interval: 200ms }
rule_files: ["%s/systemd/watch/weir.rules.yml"]
scrape_configs: [{ job_name: weir, static_configs: [{ targets: ["%s"] }] }]
""" % (rig.SOURCE, self.admin))
        self.start("/usr/bin/prometheus", "--config.file=" + self.path("prometheus.yml"),
                   "--storage.tsdb.path=" + self.path("data"), "--web.listen-address=" + address, log="prometheus.log")
        return address

    def series(self, prometheus, expression):
        try:
            query = "/api/v1/query?" + urllib.parse.urlencode({"query": expression})
            status, body = rig.answer_of(prometheus, query)
        except OSError:
            return None  # it is starting
        if status == 503:
            return None
        self.assertEqual(status, 200, "%s: %s" % (expression, body))
        return json.loads(body)["data"]["result"]

    def expressions(self):
        for panel in self.dashboard["panels"]:
            for target in panel["targets"]:
                yield panel["title"], target["expr"]
        for note in self.dashboard["annotations"]["list"]:
            yield note["name"], note["expr"]
        for variable in self.dashboard["templating"]["list"]:
            if found := re.match(r"label_values\((\w+), \w+\)", variable["query"]):
                yield variable["name"], found[1]

    def test_every_expression_of_it_returns_data(self):
        prometheus = self.prometheus()
        rig.wait_until(lambda: self.series(prometheus, "weir_build_info"), "Prometheus scrapes weir")
        self.assertGreater(len(list(self.expressions())), 20)
        status, body = rig.answer_of(self.admin, "/api/v1/services/shop/split", "PUT",
                                     {"If-Match": "*"}, '{"shares":{"new":"50%"},"reason":"seen on the dashboard"}')
        self.assertEqual(status, 200, body)
        for title, expression in self.expressions():
            asked = expression.replace("$__rate_interval", "1m").replace("$service", ".*").replace("$instance", ".*")

            def data():
                self.traffic()
                return [one for one in self.series(prometheus, asked) or [] if one["value"][1] != "NaN"]

            rig.wait_until(data, "%s returns data: %s" % (title, asked))

    def test_every_recording_rule_returns_data(self):
        prometheus = self.prometheus()
        for name in re.findall(r"record: (\S+)", RULES):
            def data():
                self.traffic()
                return self.series(prometheus, name)

            rig.wait_until(data, name + " returns data")


rig.main()
