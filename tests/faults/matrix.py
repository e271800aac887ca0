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
from trial import Trial, prepared, tap  # noqa: E402
import faults  # noqa: E402

TRIES = 3     # to come to a place that a renewal passes more or less often, as its timing is

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


def interrupted(key, fault, elsewhere):
    for _ in range(TRIES):
        if tried(key, fault, elsewhere):
            return
    raise AssertionError(f"never came to {key}")


def tried(key, fault, elsewhere):
    with faults.Faults() as caught, prepared(env=caught.env) as place:
        trial = Trial(place, caught.env, caught.began)
        caught.begin()
        caught.at(key, lambda pid: fault(trial, pid))
        trial.status.append(trial.renew())
        if not caught.began.is_set():
            return False
        tap.check(caught.ended.wait(60), "what was to be done at the place does not end")
        trial.goes_on(elsewhere)
        trial.finished()
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
