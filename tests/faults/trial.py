"""One renewal in which something goes wrong, and the person who goes on with it."""
import os
import queue
import signal
import sys
import threading

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "../lib"), os.path.join(here, "../renewal"), os.path.join(here, "../books")]
import books  # noqa: E402
import hall  # noqa: E402
import tap  # noqa: E402
from renewals import DUE, Renewal, cert, only, orders, verified  # noqa: E402

PATIENCE = 5  # seconds without a word after which the person mends what is broken: the program may be waiting for just that
RUNS = 3      # of certhall renew at the most, the interrupted one included


def prepared(**more):
    return hall.Hall(certs=[cert(DUE, "ec:P-256")], **more)


class Trial:
    """The renewal of the only certificate on a hall's key. env: more variables for certhall; began: set when something has gone wrong
    (a threading.Event); the methods that take a pid may be actions of faults.Faults."""

    def __init__(self, place, env=None, began=None):
        self.place, self.more, self.began = place, env or {}, began or threading.Event()
        self.old = only(place)
        self.run, self.pulled, self.stopped, self.paid, self.status = None, False, False, False, []
        self.menders = []  # more to be done when the person mends what is broken

    # ---- what can go wrong ----

    def kill_certhall(self, pid=None):
        self.run.process.send_signal(signal.SIGKILL)

    def kill_token(self, pid=None):
        for child in children(self.run.process.pid):
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass # it has ended by itself

    def kill_certhalld(self, pid=None):
        self.place.service.stop(signal.SIGKILL)
        self.place.service.start()

    def pull_key(self, pid=None):
        tokens = os.path.join(self.place.dir, "key/tokens")
        if not self.pulled:
            os.rename(tokens, tokens + "-away")
            os.mkdir(tokens)
        self.pulled = True

    def stop_hall(self, pid=None):
        self.stopped = True
        self.place.service.stop(signal.SIGKILL)

    def mend(self):
        """The key is put in again, the hall is there again."""
        tokens = os.path.join(self.place.dir, "key/tokens")
        if self.pulled:
            for made in os.listdir(tokens):  # a lock file at the most
                os.unlink(os.path.join(tokens, made))
            os.rmdir(tokens)
            os.rename(tokens + "-away", tokens)
        if self.stopped:
            self.place.service.start()
        self.pulled = self.stopped = False
        for mender in self.menders:
            mender()

    # ---- the person ----

    def renew(self, home=None):
        """One run of certhall renew, paying when asked to; its exit status."""
        self.run = Renewal(self.place, self.old["fingerprint"], env=self.place.env("en", module=True, home=home, **self.more))
        lines = queue.Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in self.run.process.stdout] + [lines.put(None)], daemon=True).start()
        waited = False
        while True:
            try:
                line = lines.get(timeout=PATIENCE if self.began.is_set() and not waited else 60)
            except queue.Empty:
                tap.check(not waited, f"certhall renew does nothing any more:\n{self.run.text}")
                waited = True
                self.mend()
                continue
            if line is None:
                return self.run.process.wait(60)
            self.run.lines.append(line)
            tap.remember(line.rstrip())
            if ", to pay" in line and not self.paid:
                number = line.split()[1].rstrip(",")
                self.place.certhalld("pay", number)
                self.paid = True

    def goes_on(self, elsewhere=False, runs=RUNS):
        """What is broken is mended, and it is tried again until it is done."""
        self.mend()
        while (not self.status or self.status[-1] != 0) and len(self.status) < runs and [row["state"] for row in orders(self.place)] != ["installed"]:
            self.status.append(self.renew(home=self.place.new_home() if elsewhere else None))
        tap.remember(f"exit statuses: {self.status}")

    def finished(self):
        """What must hold in the end: one paid order, one new certificate with its key, nothing else of ours, balanced books."""
        tap.equal([row["state"] for row in orders(self.place)], ["installed"])
        verified(self.place, self.old)
        for kind in ("cert", "pubkey", "privkey"):
            tap.equal(len(self.place.key_ids(kind)), 2, kind)
        tap.equal(len(self.place.ledger()["payments"]), 1, "payments")
        books.check(self.place, token=self.place)


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []
