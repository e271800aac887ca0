"""A hall's key, seen through the fault module (tests/token/fault_module.c says what can be made to go wrong)."""
import os
import shutil
import tempfile
import time

import tap

MODULE = "tests/token/fault_module.so"


class Key:
    """Knobs of its own for one program; .env has it use them. settings: changes of certhall.conf, {"text to replace": "by this"}.
    copy: on a copy of the hall's key, so that several can be used at the same time."""

    def __init__(self, place, settings=None, copy=False):
        self.place = place
        self.folder = tempfile.mkdtemp(prefix="knobs-", dir=place.dir)
        config = self.path("certhall.conf")
        with open(os.path.join(place.dir, "certhall-with-module.conf")) as file:
            text = file.read()
        changes = {os.path.join(place.dir, "hall/packages/libsofthsm2.so"): tap.built(MODULE), **(settings or {})}
        for old, new in changes.items():
            tap.contains(text, old, "certhall.conf")
            text = text.replace(old, new)
        with open(config, "w") as file:
            file.write(text)
        self.env = {"CERTHALL_CONFIG": config, "FAULT_MODULE_DIR": self.folder, "CERTHALL_TOKEN_LOCK": self.path("lock")}
        if copy:
            shutil.copytree(os.path.join(place.dir, "key/tokens"), self.path("tokens"))
            with open(self.path("softhsm2.conf"), "w") as file:
                file.write(f"directories.tokendir = {self.path('tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n")
            self.env["SOFTHSM2_CONF"] = self.path("softhsm2.conf")

    def path(self, name):
        return os.path.join(self.folder, name)

    def turn(self, name, text=""):
        """Sets a knob; None takes it away."""
        if text is None:
            os.unlink(self.path(name))
            return
        with open(self.path("new-" + name), "w") as file:
            file.write(text)
        os.rename(self.path("new-" + name), self.path(name))

    def plan(self, text):
        self.turn("plan", text + "\n")

    def calls(self, function):
        """How often it was called since the knob trace was turned on."""
        with open(self.path("trace")) as file:
            return sum(line.split()[0] == function for line in file)


def helpers(pid):
    """The helper processes of that certhall."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return file.read().split()


def wait_for(holds, what, timeout=10):
    """Waits until holds() is true."""
    end = time.monotonic() + timeout
    while not holds():
        tap.check(time.monotonic() < end, f"not within {timeout} s: {what}")
        time.sleep(0.01)


def wait_gone(pids):
    """Waits until none of the processes is there any more."""
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), f"the end of {pids}")
