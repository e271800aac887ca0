"""Takes hold of the programs at their named places (include/certhall/fault.h; a build with --enable-faults)."""
import os
import shutil
import socket
import tempfile
import threading

import tap


class Faults:
    """Listens for programs that come to a place; .env has them tell it.

    seen: (program, place, how often it has come there) in the order of coming. at(key, action): when that comes to pass, action(pid) is
    called while the program waits; what it gives ("fail" or None) is the answer. Actions run on a thread of their own.
    """

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="certhall-faults-")
        self.path = os.path.join(self.folder, "socket")
        self.env = {"CERTHALL_FAULTS": self.path}
        self.seen, self.count, self.plans, self.errors = [], {}, {}, []
        self.began, self.ended = threading.Event(), threading.Event()  # of any action
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def at(self, key, action):
        with self.lock:
            self.plans[key] = action

    def forget(self):
        """Nothing that at() was told is done any more."""
        with self.lock:
            self.plans = {}

    def begin(self):
        """From here on the counting is anew."""
        with self.lock:
            self.seen, self.count = [], {}

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if kind is None:
            tap.equal(self.errors, [])

    def _accept(self):
        while True:
            try:
                program, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=[program], daemon=True).start()

    def _answer(self, program):
        with program, program.makefile("r") as lines:
            line = lines.readline().split(None, 2)
            if len(line) != 3:
                return
            pid, at = int(line[0]), (line[1], line[2].strip())
            with self.lock:
                self.count[at] = self.count.get(at, 0) + 1
                key = (*at, self.count[at])
                self.seen.append(key)
                action = self.plans.pop(key, None)
            word = None
            if action:
                self.began.set()
            try:
                word = action(pid) if action else None
            except Exception as error:  # told when the test ends
                self.errors.append(f"{key}: {error!r}")
            if action:
                self.ended.set()
            try:
                program.sendall(((word or "go") + "\n").encode())
            except OSError:
                pass  # it is not there any more: that was the action
