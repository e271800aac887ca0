#!/usr/bin/env python3
"""Renewals in which one to three things go wrong by chance: a program dies at a call to the kernel or at a named place, the key is
pulled, the hall goes away, the line to the hall or to the bank turns bad.

SEEDS: how many, from the first, or from which to which ("21-200"). SEED: that one alone, again as it was. What can go wrong depends on the build: with
--enable-faults the named places, without sanitizers the calls.
"""
import contextlib
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from trial import FAULTS, Trial, places, prepared, tap  # noqa: E402
import chaos  # noqa: E402
import faults  # noqa: E402
import nth  # noqa: E402


TRIES = 6 # until something goes wrong


def has(text):
    with open(tap.built("certhalld"), "rb") as file:
        return text in file.read()


NAMED, CALLED = has(b"CERTHALL_FAULTS"), not has(b"__asan_init")


class Any:
    def __init__(self, *events):
        self.events = events

    def is_set(self):
        return any(event.is_set() for event in self.events)


class Scene:
    """A hall on which everything is counted and anything can go wrong."""

    def __init__(self, stack):
        self.caught = stack.enter_context(faults.Faults())
        self.calls = stack.enter_context(nth.Nth()) if CALLED else None
        env = {**self.caught.env, **(self.calls.env if CALLED else {})}
        self.place = stack.enter_context(prepared(env=env, start=False))
        self.place.bank_port = self.place.bank.start()
        self.lines = {"bank": stack.enter_context(chaos.Proxy(self.place.bank_port))}
        self.place.bank_through(self.lines["bank"].port)
        self.place.port = self.place.service.start()
        self.lines["hall"] = stack.enter_context(chaos.Proxy(self.place.port))
        self.place.through(self.lines["hall"].port)
        self.bad = chaos.threading.Event()
        self.trial = Trial(self.place, env, Any(self.caught.began, self.bad, *([self.calls] if CALLED else [])), self.calls)
        self.trial.menders += [line.clear for line in self.lines.values()]
        self.trial.calm += [line.forget for line in self.lines.values()] + [self.caught.forget] + ([self.calls.spare] if CALLED else [])
        self.caught.begin()
        if CALLED:
            self.calls.begin()


@contextlib.contextmanager
def scene():
    with contextlib.ExitStack() as stack:
        yield Scene(stack)


def learn():
    """How much there is of everything in a renewal that nothing disturbs."""
    with scene() as now:
        tap.equal(now.trial.renew(), 0, now.trial.run.text)
        now.trial.finished()
        return {name: line.passed for name, line in now.lines.items()}, now.calls.made() if CALLED else {}


def plan(chance):
    """[(what, *how)]; at most one call, since one program dies of it."""
    made, kinds = [], ["line"] + ["place"] * NAMED + ["call"] * CALLED
    for _ in range(chance.randint(1, 3)):
        kind = chance.choice(kinds)
        if kind == "line":
            name = chance.choice(["hall", "hall", "bank"])
            made.append(("line", name, chance.choice(list(chaos.SPOILERS)), int(chance.random() * 0.95 * passed[name])))
        elif kind == "place":
            made.append(("place", chance.choice(named), chance.choice(list(FAULTS))))
        else:
            kinds.remove("call")
            (program, call), count = chance.choice(list(made_calls.items()))
            made.append(("call", program, call, chance.randint(1, count), chance.random() < 0.5))
    return made


def prepare(now, what, chance):
    if what[0] == "line":
        line = now.lines[what[1]]
        line.at(line.passed + what[3], lambda: (now.bad.set(), chaos.SPOILERS[what[2]](line, chance)))
    elif what[0] == "place":
        now.caught.at(what[1], lambda pid: FAULTS[what[2]](now.trial, pid))
    else:
        now.calls.kill(*what[1:])


def tried(seed):
    """What was planned may lie where this renewal does not pass: then something else is."""
    for name in (seed, *(f"{seed}.{n}" for n in range(1, TRIES))):
        if went_wrong(seed, random.Random(name)):
            return
    raise AssertionError("nothing has gone wrong")


def went_wrong(seed, chance):
    planned, elsewhere = plan(chance), chance.random() < 0.5
    try:
        with scene() as now:
            for what in planned:
                prepare(now, what, chance)
            now.trial.status.append(now.trial.renew())
            for name, line in now.lines.items():
                tap.remember(f"to the {name}: {line.log()}")
            now.trial.goes_on(elsewhere, runs=2 + len(planned))
            now.trial.finished()
            return now.trial.began.is_set()
    except Exception:
        tap.diag(f"again: SEED={seed} tests/faults/seeds.py: {planned}, gone on with {'elsewhere' if elsewhere else 'here'}")
        raise


def wanted():
    first, _, last = (os.environ.get("SEED") or os.environ.get("SEEDS", "6")).rpartition("-")
    return range(int(last) if "SEED" in os.environ else int(first or 1), int(last) + 1)


passed, made_calls = learn()
named = places() if NAMED else []
tap.diag(f"bytes: {passed}, {sum(made_calls.values())} calls, {len(named)} places")
for number in wanted():
    tap.test(f"seed {number}")(lambda number=number: tried(number))
tap.run()
