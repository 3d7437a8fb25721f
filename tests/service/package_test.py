"""The Debian package: what is in it, what lintian says, and that it is installed, upgraded, removed and purged cleanly."""
import os

import packed
import rig


class Package(rig.Case):
    @classmethod
    def setUpClass(cls):
        cls.packed = packed.Packed()
        cls.addClassCleanup(cls.packed.remove)
        cls.deb = cls.packed.deb

    def test_it_holds_what_an_operator_needs(self):
        listing = self.run_to_end("dpkg-deb", "--contents", self.deb).stdout
        for path in ("/usr/bin/weir", "/lib/systemd/system/weir.service", "/lib/systemd/system/weir.socket",
                     "/lib/systemd/system/weir-https.socket", "/etc/weir/weir.yaml", "/etc/weir/credentials/",
                     "/usr/share/man/man1/weir.1.gz", "/usr/share/bash-completion/completions/weir",
                     "/usr/share/zsh/vendor-completions/_weir", "/usr/share/fish/vendor_completions.d/weir.fish",
                     "/usr/share/weir/weir.schema.json", "/usr/share/weir/watch/weir.rules.yml",
                     "/usr/share/weir/watch/grafana-weir.json", "/usr/share/weir/watch/prometheus.yml", "/usr/share/doc/weir/examples/example.yaml"):
            self.assertIn(" ." + path + "\n", listing)
        self.assertRegex(listing, r"drwx------ root/root .* \./etc/weir/credentials/")

    def test_its_dependencies_are_those_of_the_program(self):
        depends = self.run_to_end("dpkg-deb", "--field", self.deb, "Depends").stdout
        for library in ("libc6 (>=", "libsystemd0", "libre2-9", "libyaml-cpp0.7", "libssl3"):
            self.assertIn(library, depends)

    def test_lintian_finds_no_error(self):
        done = self.run_to_end("lintian", "--fail-on", "error", self.deb)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def dpkg(self, *words):
        """In a root of its own; what weir depends on is not there."""
        done = self.run_to_end("dpkg", "--root=" + self.path("root"), "--force-depends", "--force-script-chrootless",
                               *words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_it_is_installed_upgraded_removed_and_purged(self):
        for directory in ("updates", "info", "triggers"):
            os.makedirs(self.path("root/var/lib/dpkg/" + directory))
        self.write("root/var/lib/dpkg/status", "")
        self.dpkg("--install", self.deb)
        configuration = self.path("root/etc/weir/weir.yaml")
        checked = self.run_to_end(self.path("root/usr/bin/weir"), "check", "-c", configuration)
        self.assertEqual(checked.stdout, configuration + ": ok\n", checked.stderr)
        with open(configuration, "a") as file:
            file.write("# mine\n")
        self.write("root/etc/weir/credentials/admin-token", "secret")
        self.dpkg("--install", self.deb)
        self.assertTrue(self.read("root/etc/weir/weir.yaml").endswith("# mine\n"), "an edited file is kept")
        self.dpkg("--remove", "weir")
        self.assertFalse(os.path.exists(self.path("root/usr/bin/weir")))
        self.assertTrue(os.path.exists(configuration))
        self.dpkg("--purge", "weir")
        self.assertFalse(os.path.exists(self.path("root/etc/weir")))


rig.main()
