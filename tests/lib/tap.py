"""Tests that print TAP.

    import tap

    @tap.test("what holds")
    def _():
        tap.equal(1 + 1, 2)

    tap.run()

A test fails by any exception. Its traceback is printed, and what the hooks of on_failure give (a screen, a log).
"""
import atexit
import contextlib
import os
import signal
import sys
import time
import traceback

LIMIT = 300  # seconds a test may take

_tests = []
_hooks = []
_remembered = []
_count = 0
_failed = 0


class Skip(Exception):
    """Raised by a test that cannot run here; its text says why."""


class TimeUp(Exception):
    pass


def test(name, limit=LIMIT):
    """Takes the function as a test, run by run() in the order of writing."""
    def take(function):
        _tests.append((name, function, limit))
        return function
    return take


def on_failure(hook):
    """hook() gives text to print when a test fails; returns a function that takes the hook away."""
    _hooks.append(hook)
    return lambda: _hooks.remove(hook) if hook in _hooks else None


def remember(text):
    """Printed if the running test fails: the last state of what it has closed by then."""
    _remembered.append(text)


def diag(text):
    for line in str(text).splitlines() or [""]:
        print("# " + line)
    sys.stdout.flush()


def check(condition, text="does not hold"):
    if not condition:
        raise AssertionError(text)


def equal(got, wanted, text=""):
    if got != wanted:
        raise AssertionError(f"{text + ': ' if text else ''}got {got!r}, wanted {wanted!r}")


def contains(whole, part, text=""):
    if part not in whole:
        raise AssertionError(f"{text + ': ' if text else ''}{part!r} is not in {whole!r}")


def seen(look, holds=bool, limit=60):
    """Looks until it holds what was seen, and gives that."""
    end = time.monotonic() + limit
    while not holds(now := look()):
        check(time.monotonic() < end, f"does not come about: {now}")
        time.sleep(0.02)  # between two looks at a state
    return now


@contextlib.contextmanager
def raises(kind):
    try:
        yield
    except kind:
        return
    raise AssertionError(f"no {kind.__name__} was raised")


def _report(ok, name, extra=""):
    global _count, _failed
    _count += 1
    _failed += not ok
    print(f"{'ok' if ok else 'not ok'} {_count} - {name}{extra}")
    sys.stdout.flush()


def _report_failure(name):
    _report(False, name)
    diag(traceback.format_exc())
    for text in _remembered:
        diag(text)
    for hook in list(_hooks):
        try:
            diag(hook())
        except Exception as error:
            diag(f"(no more to say: {error})")


@contextlib.contextmanager
def step(name):
    """A part of a test with a line of its own; what fails in it ends the test."""
    try:
        yield
    except (Skip, TimeUp):
        raise
    except Exception as error:
        if not getattr(error, "reported", False):
            _report_failure(name)
            error.reported = True
        raise
    _report(True, name)


def _time_up(signum, frame):
    raise TimeUp("the test took too long")


def run():
    """Runs all tests, or those whose names contain the first argument; exits 1 when one failed."""
    signal.signal(signal.SIGALRM, _time_up)
    for name, function, limit in _tests:
        if len(sys.argv) > 1 and sys.argv[1] not in name:
            continue
        _remembered.clear()
        signal.alarm(limit)
        try:
            function()
        except Skip as why:
            _report(True, name, f" # SKIP {why}")
        except Exception as error:
            if getattr(error, "reported", False):
                _report(False, name)
            else:
                _report_failure(name)
        else:
            _report(True, name)
        finally:
            signal.alarm(0)
    print(f"1..{_count}")
    sys.exit(1 if _failed else 0)


def _terminated(signum, frame):
    sys.exit(128 + signum)


signal.signal(signal.SIGTERM, _terminated)
signal.signal(signal.SIGHUP, _terminated)

top_srcdir = os.environ.get("top_srcdir") or os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
top_builddir = os.environ.get("top_builddir") or os.getcwd()


def built(path):
    """The built file of that path below the build's top."""
    path = os.path.join(top_builddir, path)
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path} is not built (run in the build's top, or set top_builddir)")
    return path


def at_exit(function):
    """Called at the end of the test program, last first, however it ends."""
    atexit.register(function)
    return lambda: atexit.unregister(function)
