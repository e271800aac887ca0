#!/usr/bin/env python3
"""A program is killed at the n-th write, fsync, rename, connect ... of a renewal, for n from the first to the last.

SYSCALLS: how many of the cases are tried, spread by chance (all: every one); SEED: the chance begins with it. An argument, as
"certhalld fdatasync 17", tries that one.
"""
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from trial import Trial, prepared, tap  # noqa: E402
import nth  # noqa: E402

SEED = int(os.environ.get("SEED", "1"))


def renewed(kill=None, elsewhere=False):
    """What was called how often; None: it has not come to the call."""
    with nth.Nth() as calls, prepared(env=calls.env) as place:
        trial = Trial(place, calls.env, calls, calls)
        trial.calm.append(calls.spare)
        calls.begin()
        if kill:
            calls.kill(*kill)
        trial.status.append(trial.renew())
        trial.goes_on(elsewhere)
        trial.finished()
        return calls.made() if kill is None or calls.is_set() else None


def cases():
    made = renewed()
    for (program, call), count in made.items():
        tap.diag(f"{program} {call}: {count}")
        for n in range(1, count + 1):
            yield program, call, n


def tried(program, call, n):
    elsewhere = random.Random(f"{SEED} {program} {call} {n}").random() < 0.5
    nth.near(n, lambda n: renewed((program, call, n), elsewhere) is not None)


def chosen():
    if len(sys.argv) > 1:
        program, call, n = sys.argv.pop().split()
        return [(program, call, int(n))]
    every = list(cases())
    wanted = os.environ.get("SYSCALLS", "6")
    count = len(every) if wanted == "all" else int(wanted)
    tap.diag(f"{count} of {len(every)} cases, SEED={SEED}")
    random.Random(SEED).shuffle(every)
    return every[:count]


for case in chosen():
    tap.test(f"{case[0]} killed at {case[1]} {case[2]}")(lambda case=case: tried(*case))
tap.run()
