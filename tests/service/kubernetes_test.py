"""README's manifest without a cluster: weir is run by it, probed, its ConfigMap swapped as the kubelet does, the pod ended."""
import os
import re
import signal

import rig
import yaml


def manifest():
    text = re.search(r"\*\*On Kubernetes\*\*.*?```yaml\n(.*?)```", rig.text_of("README.md"), re.S)[1]
    return {part["kind"]: part for part in yaml.safe_load_all(text)}


class Kubernetes(rig.Case):
    def setUp(self):
        super().setUp()
        self.parts = manifest()
        self.pod = self.parts["Deployment"]["spec"]["template"]["spec"]
        self.container, = self.pod["containers"]
        self.text = self.parts["ConfigMap"]["data"]["weir.yaml"]

    def test_its_parts_fit_together(self):
        deployment = self.parts["Deployment"]["spec"]
        self.assertEqual(deployment["selector"]["matchLabels"], deployment["template"]["metadata"]["labels"])
        volume, = self.pod["volumes"]
        mount, = self.container["volumeMounts"]
        self.assertEqual((volume["name"], volume["configMap"]["name"]),
                         (mount["name"], self.parts["ConfigMap"]["metadata"]["name"]))
        self.assertNotIn("subPath", mount)
        self.assertIn(mount["mountPath"] + "/weir.yaml", self.container["command"])
        listener, = yaml.safe_load(self.text)["listeners"]
        probe = self.container["readinessProbe"]["httpGet"]
        self.assertEqual(probe["path"], listener["ready_path"])
        self.assertEqual(probe["port"], int(listener["address"].split(":")[1]))
        self.assertIn({"containerPort": probe["port"]}, self.container["ports"])
        timeouts = yaml.safe_load(self.text)["timeouts"]
        seconds = sum(int(timeouts[key].rstrip("s")) for key in ("drain_grace", "drain"))
        self.assertGreater(self.pod["terminationGracePeriodSeconds"], seconds)

    def test_its_configuration_is_sound(self):
        path = self.write("weir.yaml", self.text)
        done = self.run_to_end(rig.PROGRAM, "check", "-c", path)
        self.assertEqual((done.returncode, done.stdout), (0, path + ": ok\n"), done.stderr)

    def mounted(self, text, version):
        """What the kubelet makes of a ConfigMap's volume: one rename swaps every file."""
        root = self.path("etc")
        os.makedirs("%s/..%s" % (root, version))
        with open("%s/..%s/weir.yaml" % (root, version), "w") as file:
            file.write(text)
        os.symlink("..%s" % version, root + "/..data_tmp")
        os.rename(root + "/..data_tmp", root + "/..data")
        if not os.path.lexists(root + "/weir.yaml"):
            os.symlink("..data/weir.yaml", root + "/weir.yaml")

    def test_it_is_probed_its_configmap_is_swapped_and_its_pod_ends(self):
        old, new = self.origin("old"), self.origin("new")
        self.edge, self.admin = ("%s:%d" % (self.host, rig.free_port(self.host)) for _ in range(2))
        here = self.text
        for there, address in (("0.0.0.0:8080", self.edge), ("127.0.0.1:9901", self.admin),
                               ("shop-old:8080", old.address), ("shop-new:8080", new.address)):
            self.assertIn(there, here)
            here = here.replace(there, address)
        self.mounted(here, "2026_11_23")
        command = [word.replace("/usr/bin/weir", rig.PROGRAM).replace("/etc/weir", self.path("etc"))
                   for word in self.container["command"]]
        process = self.start(*command)
        probe = self.container["readinessProbe"]["httpGet"]["path"]

        def probed(status):
            try:
                return rig.answer_of(self.edge, probe)[0] == status
            except OSError:
                return False

        rig.wait_until(lambda: probed(200), "the pod is ready")
        self.mounted(here.replace("new: 1%", "new: 100%"), "2026_11_24")
        rig.wait_until(lambda: rig.answer_of(self.edge)[1] == "new", "the swapped split is in force")
        self.assertIn('version="new",code_class="5xx",decided_by="split"} 0\n', self.metrics())
        process.send_signal(signal.SIGTERM)
        rig.wait_until(lambda: probed(503), "the probe says that the pod ends")
        # Until the Services have heard of it, new connections are still served.
        self.assertEqual(rig.answer_of(self.edge), (200, "new"))
        self.assertEqual(process.wait(rig.PATIENCE), 0)
        self.assertNotIn("are cut", self.read("log"))


rig.main()
