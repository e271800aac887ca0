#!/usr/bin/env python3
"""Every named place of a renewal x what can go wrong there x where the person goes on.

However it was interrupted, it ends with one paid order, one certificate that verifies with its key, nothing else of ours on the key,
and balanced books. MATRIX_CASES: how many of the cases are tried, spread evenly (all: every one); MATRIX_FROM: the first of them;
an argument tries the cases whose names contain it.
"""
import os
import queue
import random
import signal
import sys
import threading

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "../lib"), os.path.join(here, "../renewal"), os.path.join(here, "../books")]
import books  # noqa: E402
import faults  # noqa: E402
import hall  # noqa: E402
import tap  # noqa: E402
from renewals import DUE, Renewal, cert, only, orders, verified  # noqa: E402

PATIENCE = 5  # seconds without a word after which the person mends what is broken: the program may be waiting for just that
TRIES = 3     # to come to a place that a renewal passes more or less often, as its timing is
RUNS = 3      # of certhall renew at the most, the interrupted one included


class Case:
    """One renewal with one fault in it, on a hall and a key of its own."""

    def __init__(self, place, caught):
        self.place, self.caught = place, caught
        self.run, self.pulled, self.stopped, self.paid = None, False, False, False

    # ---- what can go wrong; each is done while a program waits at the place ----

    def kill_certhall(self, pid):
        self.run.process.send_signal(signal.SIGKILL)

    def kill_token(self, pid):
        for child in children(self.run.process.pid):
            os.kill(child, signal.SIGKILL)

    def kill_certhalld(self, pid):
        self.place.service.stop(signal.SIGKILL)
        self.place.service.start()

    def pull_key(self, pid):
        tokens = os.path.join(self.place.dir, "key/tokens")
        os.rename(tokens, tokens + "-away")
        os.mkdir(tokens)
        self.pulled = True

    def stop_hall(self, pid):
        self.stopped = True
        self.place.service.stop(signal.SIGKILL)

    def fail(self, pid):
        return "fail"

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

    # ---- the person ----

    def renew(self, old, home=None):
        """One run of certhall renew, paying when asked to; its exit status."""
        self.run = Renewal(self.place, old["fingerprint"], env=self.place.env("en", module=True, home=home, **self.caught.env))
        lines = queue.Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in self.run.process.stdout] + [lines.put(None)], daemon=True).start()
        waited = False
        while True:
            try:
                line = lines.get(timeout=PATIENCE if self.caught.began.is_set() and not waited else 60)
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


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []


FAULTS = {
    "certhall killed": Case.kill_certhall,
    "certhall-token killed": Case.kill_token,
    "certhalld killed": Case.kill_certhalld,
    "key pulled": Case.pull_key,
    "hall unreachable": Case.stop_hall,
    "fails, or its answer is lost": Case.fail,
}


def finished(place, old):
    """What must hold in the end."""
    rows = orders(place)
    tap.equal([row["state"] for row in rows], ["installed"])
    verified(place, old)
    for kind in ("cert", "pubkey", "privkey"):
        tap.equal(len(place.key_ids(kind)), 2, kind)
    tap.equal(len(place.ledger()["payments"]), 1, "payments")
    books.check(place, token=place)


def prepared(caught):
    return hall.Hall(certs=[cert(DUE, "ec:P-256")], env=caught.env)


def places():
    """All places that an undisturbed renewal passes, in its order. Commits count one by one; the key is looked at again and again,
    which counts twice, and a question the hall is asked more or less often once."""
    once, again = passed(), set(passed())
    most = {"certhall": 1, "certhall-token": 2, "certhalld": 1}
    return [key for key in once if key in again and (key[2] <= most[key[0]] or "commit" in key[1])]


def passed():
    with faults.Faults() as caught, prepared(caught) as place:
        old = only(place)
        caught.begin()
        case = Case(place, caught)
        tap.equal(case.renew(old), 0, case.run.text)
        finished(place, old)
        return list(caught.seen)


def interrupted(key, fault, elsewhere):
    for _ in range(TRIES):
        if tried(key, fault, elsewhere):
            return
    raise AssertionError(f"never came to {key}")


def tried(key, fault, elsewhere):
    with faults.Faults() as caught, prepared(caught) as place:
        old = only(place)
        caught.begin()
        case = Case(place, caught)
        caught.at(key, lambda pid: fault(case, pid))
        status = [case.renew(old)]
        if not caught.began.is_set():
            return False
        tap.check(caught.ended.wait(60), "what was to be done at the place does not end")
        case.mend()
        while status[-1] != 0 and len(status) < RUNS and [row["state"] for row in orders(place)] != ["installed"]:
            status.append(case.renew(old, home=place.new_home() if elsewhere else None))
        tap.remember(f"exit statuses: {status}")
        finished(place, old)
        return True


def cases():
    for key in places():
        for name, fault in FAULTS.items():
            for elsewhere in (False, True):
                yield f"{key[0]} {key[1]} {key[2]}: {name}, gone on with {'elsewhere' if elsewhere else 'here'}", (key, fault, elsewhere)


def chosen():
    every = list(cases())
    if len(sys.argv) > 1:
        return every
    wanted = os.environ.get("MATRIX_CASES", "24")
    count = len(every) if wanted == "all" else int(wanted)
    start = int(os.environ.get("MATRIX_FROM", "0"))
    tap.diag(f"{count} of {len(every)} cases, from {start}")
    random.Random(start).shuffle(every)  # the same for the same start
    return every[:count]


for case_name, arguments in chosen():
    tap.test(case_name)(lambda arguments=arguments: interrupted(*arguments))
tap.run()
