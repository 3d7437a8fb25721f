"""The Debian package, as `cmake --workflow --preset release` makes it, and a newer one."""
import glob
import os
import re
import shutil
import subprocess
import tempfile

BUILD = os.environ["WEIR_BUILD_DIR"]


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


class Packed:
    """Made once; `remove` when it is not needed any more."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="weir-package-")
        run("cmake", "--build", BUILD, "--target", "weir", "weir_papers")
        run("cpack", "--config", BUILD + "/CPackConfig.cmake", "-B", self.directory)
        self.deb, = glob.glob(self.directory + "/weir_*.deb")

    def newer(self, version, path):
        """The same, of another version."""
        tree = self.directory + "/tree"
        run("dpkg-deb", "--raw-extract", self.deb, tree)
        with open(tree + "/DEBIAN/control") as file:
            control = re.sub(r"(?m)^Version: .*$", "Version: " + version, file.read())
        with open(tree + "/DEBIAN/control", "w") as file:
            file.write(control)
        run("dpkg-deb", "--root-owner-group", "--build", tree, path)
        shutil.rmtree(tree)

    def remove(self):
        shutil.rmtree(self.directory)
