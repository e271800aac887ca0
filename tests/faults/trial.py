"""One renewal in which something goes wrong, and the person who goes on with it."""
import contextlib
import os
import queue
import signal
import sqlite3
import subprocess
import sys
import threading
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "../lib"), os.path.join(here, "../renewal"), os.path.join(here, "../books")]
import books  # noqa: E402
import faults  # noqa: E402
import hall  # noqa: E402
import tap  # noqa: E402
from renewals import DUE, Renewal, cert, only, orders, verified  # noqa: E402

PATIENCE = 5  # seconds without a word after which the person mends what is broken: the program may be waiting for just that
SILENT = 60   # seconds after which it will not say another
INVOICED = 90 # seconds until it must have been issued, failed attempts included
RUNS = 3      # of certhall renew at the most, the interrupted one included


def prepared(**more):
    return hall.Hall(certs=[cert(DUE, "ec:P-256")], settings={"log = {": "sweep = { every = 1; first = 20; };\nlog = {"}, **more)


class Trial:
    """The renewal of the only certificate on a hall's key. env: more variables for certhall; began: set when something has gone wrong
    (a threading.Event); calls: what kills at a call (nth.Nth), if anything does; the methods that take a pid may be actions of faults.Faults."""

    def __init__(self, place, env=None, began=None, calls=None):
        self.place, self.more, self.began = place, env or {}, began or threading.Event()
        self.calls = calls
        self.old = only(place)
        self.run, self.pulled, self.number, self.paid, self.status = None, False, None, False, []
        self.menders = []  # more to be done when the person mends what is broken
        self.calm = []     # to be done before the looking begins: what has not gone wrong by then does not
        self.service = threading.RLock()

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
        with self.service:
            self.place.service.stop(signal.SIGKILL)
            self.start_hall()

    def start_hall(self):
        """As a service manager does it: once more, when the next fault has hit its start."""
        for left in (2, 1, 0):
            try:
                self.place.service.start()
                return
            except AssertionError:
                if left == 0:
                    raise

    def pull_key(self, pid=None):
        tokens = os.path.join(self.place.dir, "key/tokens")
        if not self.pulled:
            os.rename(tokens, tokens + "-away")
            os.mkdir(tokens)
        self.pulled = True

    def stop_hall(self, pid=None):
        with self.service:
            self.place.service.stop(signal.SIGKILL)

    def mend(self):
        """The key is put in again, the hall is there again."""
        tokens = os.path.join(self.place.dir, "key/tokens")
        if self.pulled:
            for made in os.listdir(tokens):  # a lock file at the most
                os.unlink(os.path.join(tokens, made))
            os.rmdir(tokens)
            os.rename(tokens + "-away", tokens)
        self.pulled = False
        with self.service:
            if self.calls and self.calls.took("certhalld") and self.place.service.process:
                with contextlib.suppress(subprocess.TimeoutExpired):  # somebody else may have started it anew
                    self.place.service.process.wait(5)
            if self.place.service.process is None or self.place.service.process.poll() is not None:
                self.start_hall()
        for mender in self.menders:
            mender()

    # ---- the person ----

    def renew(self, home=None):
        """One run of certhall renew, paying when asked to; its exit status."""
        self.run = Renewal(self.place, self.old["fingerprint"], env=self.place.env("en", module=True, home=home, **self.more))
        lines = queue.Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in self.run.process.stdout] + [lines.put(None)], daemon=True).start()
        silent = 0
        while True:
            try:
                line = lines.get(timeout=PATIENCE)
                silent = 0
            except queue.Empty:
                silent += PATIENCE
                tap.check(silent < SILENT, f"certhall renew does nothing any more:\n{self.run.text}")
                if self.began.is_set():
                    self.mend()
                    self.pay()
                continue
            if line is None:
                return self.run.process.wait(60)
            self.run.lines.append(line)
            tap.remember(line.rstrip())
            if ", to pay" in line:
                self.number = line.split()[1].rstrip(",")
                self.pay()

    def pay(self):
        """While the hall or the way to the bank is broken it does not work; later."""
        if self.number and not self.paid:
            self.paid = self.place.certhalld("pay", self.number, check=False).returncode == 0

    def goes_on(self, elsewhere=False, runs=RUNS):
        """What is broken is mended, and it is tried again until it is done."""
        while (not self.status or self.status[-1] != 0) and len(self.status) < runs and [row["state"] for row in orders(self.place)] != ["installed"]:
            self.mend()
            self.status.append(self.renew(home=self.place.new_home() if elsewhere else None))
        self.mend()
        tap.remember(f"exit statuses: {self.status}")

    def invoiced(self):
        """Waits until the hall has issued the invoice."""
        for _ in range(INVOICED * 10):
            with contextlib.closing(sqlite3.connect(f"file:{books.database_of(self.place)}?mode=ro", uri=True, timeout=30)) as db:
                states = [row[0] for row in db.execute("SELECT state FROM invoice")]
            if states == [1]:
                return
            if self.began.is_set():
                self.mend()
            time.sleep(0.1)  # between two looks at a state
        raise AssertionError(f"invoices: {states}")

    def finished(self):
        """What must hold in the end: one paid order, one new certificate with its key, one invoice, nothing else of ours, balanced books."""
        self.invoiced()
        for calm in self.calm:
            calm()
        self.mend()
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


# What can happen at a named place (lib/faults.py); each is done while the program waits there.
FAULTS = {
    "certhall killed": Trial.kill_certhall,
    "certhall-token killed": Trial.kill_token,
    "certhalld killed": Trial.kill_certhalld,
    "key pulled": Trial.pull_key,
    "hall unreachable": Trial.stop_hall,
    "fails, or its answer is lost": lambda trial, pid: "fail",
}


def places():
    """All places that an undisturbed renewal passes, in its order. Commits count one by one; the key is looked at again and again,
    which counts twice, and a question the hall is asked more or less often once."""
    once, again = passed(), set(passed())
    most = {"certhall": 1, "certhall-token": 2, "certhalld": 1}
    return [key for key in once if key in again and (key[2] <= most[key[0]] or "commit" in key[1])]


def passed():
    with faults.Faults() as caught, prepared(env=caught.env) as place:
        trial = Trial(place, caught.env, caught.began)
        caught.begin()
        tap.equal(trial.renew(), 0, trial.run.text)
        trial.finished()
        return list(caught.seen)
