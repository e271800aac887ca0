#!/usr/bin/env python3
"""Every named place of a renewal x what can go wrong there x where the person goes on.

However it was interrupted, it ends with one paid order, one certificate that verifies with its key, nothing else of ours on the key,
and balanced books. MATRIX_CASES: how many of the cases are tried, spread evenly (all: every one); MATRIX_FROM: the first of them;
an argument tries the cases whose names contain it.
"""
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from trial import FAULTS, Trial, places, prepared, tap  # noqa: E402
import faults  # noqa: E402

TRIES = 3     # to come to a place that a renewal passes more or less often, as its timing is

def interrupted(key, fault, elsewhere):
    for _ in range(TRIES):
        if tried(key, fault, elsewhere):
            return
    raise AssertionError(f"never came to {key}")


def tried(key, fault, elsewhere):
    with faults.Faults() as caught, prepared(env=caught.env) as place:
        trial = Trial(place, caught.env, caught.began)
        trial.calm.append(caught.forget)
        caught.begin()
        caught.at(key, lambda pid: fault(trial, pid))
        trial.status.append(trial.renew())
        if caught.began.is_set():
            tap.check(caught.ended.wait(60), "what was to be done at the place does not end")
        trial.goes_on(elsewhere)
        trial.finished()
        return caught.began.is_set()


def cases():
    for key in places():
        for name, fault in FAULTS.items():
            for elsewhere in (False, True):
                yield f"{key[0]} {key[1]} {key[2]}: {name}, gone on with {'elsewhere' if elsewhere else 'here'}", (key, fault, elsewhere)


def chosen():
    every = list(cases())
    if len(sys.argv) > 1:
        return every
    wanted = os.environ.get("MATRIX_CASES", "20")
    count = len(every) if wanted == "all" else int(wanted)
    start = int(os.environ.get("MATRIX_FROM", "0"))
    tap.diag(f"{count} of {len(every)} cases, from {start}")
    random.Random(start).shuffle(every)  # the same for the same start
    return every[:count]


for case_name, arguments in chosen():
    tap.test(case_name)(lambda arguments=arguments: interrupted(*arguments))
tap.run()
