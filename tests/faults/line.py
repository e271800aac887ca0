#!/usr/bin/env python3
"""A renewal over a line that goes bad, by each of the ways of lib/chaos.py, at a moment chosen by chance.

SEED: the chance begins with it (1 without); the same seed spoils the same line at the same byte in the same way.
"""
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from trial import Trial, prepared, tap  # noqa: E402
import chaos  # noqa: E402

SEED = int(os.environ.get("SEED", "1"))


def renewed(spoil=None, after=0, elsewhere=False):
    """Bytes that have passed the line; spoil(line) is done when so many have."""
    with prepared() as place, chaos.Proxy(place.port) as line:
        place.through(line.port)
        trial = Trial(place)
        trial.menders.append(line.clear)
        trial.calm.append(line.forget)
        if spoil:
            line.at(after, lambda: (trial.began.set(), spoil(line)))
        trial.status.append(trial.renew())
        passed = line.passed
        tap.remember(line.log())
        tap.check(spoil is None or trial.began.is_set(), f"only {passed} bytes passed")
        trial.goes_on(elsewhere)
        trial.finished()
        return passed


@tap.test("over a good line")
def _():
    global whole
    whole = renewed()
    tap.diag(f"{whole} bytes; SEED={SEED}")


def spoiled(name):
    chance = random.Random(f"{SEED} {name}")
    after, elsewhere = int(chance.random() * 0.9 * whole), chance.random() < 0.5
    try:
        renewed(lambda line: chaos.SPOILERS[name](line, chance), after, elsewhere)
    except Exception:
        tap.diag(f"again: SEED={SEED} tests/faults/line.py {name} (at byte {after})")
        raise


for toxic in chaos.SPOILERS:
    tap.test(f"over a line that goes bad: {toxic}")(lambda toxic=toxic: spoiled(toxic))
tap.run()
