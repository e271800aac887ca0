"""Kills a program at the n-th of a kind of call to the kernel (nth.c, loaded before it)."""
import mmap
import os
import signal
import struct
import tempfile
import threading
import time

import tap

# As in nth.c.
PROGRAMS = ["certhall", "certhall-token", "certhalld", "talker"]
CALLS = ["write", "pwrite", "fsync", "fdatasync", "rename", "connect", "send", "sendmsg", "unlink", "ftruncate", "fflush", "fclose", "open", "mkdir"]


TRIES = 5


def near(n, tried):
    """tried(n), which tells whether it came to the n-th call; a run may make a few calls fewer than the one that was counted."""
    for m in range(n, max(n - TRIES, 0), -1):
        if tried(m):
            return
    raise tap.Skip("not so often this time")


class Nth:
    """.env has programs count their calls. As an event (is_set) it tells whether the one to be killed is."""

    def __init__(self):
        size = 16 * len(PROGRAMS) * len(CALLS)
        handle, self.path = tempfile.mkstemp(prefix="certhall-nth-")
        os.ftruncate(handle, size)
        self.map = mmap.mmap(handle, size)
        os.close(handle)
        self.env = {"LD_PRELOAD": tap.built("tests/faults/nth.so"), "CERTHALL_NTH": self.path}
        self.armed, self.fired, self.victim = None, False, None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        os.unlink(self.path)

    @staticmethod
    def _at(program, call):
        return 16 * (PROGRAMS.index(program) * len(CALLS) + CALLS.index(call))

    def begin(self):
        """From here on the counting is anew."""
        self.map[:] = bytes(len(self.map))

    def made(self):
        """{(program, call): how often}, of those that were made."""
        counts = {(program, call): struct.unpack_from("q", self.map, self._at(program, call))[0] for program in PROGRAMS for call in CALLS}
        return {key: count for key, count in counts.items() if count}

    def kill(self, program, call, n, behind=False):
        """At the n-th from now, before it is made, or behind it."""
        self.armed, self.fired, self.victim = self._at(program, call) + 8, False, program
        struct.pack_into("q", self.map, self.armed, -n if behind else n)

    def took(self, program):
        """Once after it was that one who was killed: it may take a moment to be gone."""
        taken = self.victim == program and self.is_set()
        if taken:
            self.victim = None
        return taken

    def spare(self):
        """Whoever is not dead by now stays alive."""
        self.fired = self.is_set()
        if self.armed is not None:
            struct.pack_into("q", self.map, self.armed, 0)
        self.armed = None

    def is_set(self):
        return self.fired or (self.armed is not None and struct.unpack_from("q", self.map, self.armed)[0] == 0)


class Keeper(threading.Thread):
    """Starts a hall's service (lib/hall.py) anew whenever it was killed, as its machine does; line (chaos.Proxy) leads to it.
    may: not before this is set; outage: so many seconds it is away at least; again: set each time it has."""

    def __init__(self, place, line):
        super().__init__(daemon=True)
        self.place, self.line = place, line
        self.may, self.again, self.outage = threading.Event(), threading.Event(), 0
        self.may.set()
        self.start()

    def run(self):
        while self.place.service.process.wait() == -signal.SIGKILL:
            time.sleep(self.outage)
            self.may.wait()
            self.place.port = self.line.to = self.place.service.start()
            self.again.set()
