"""The terminal program beside dialog(1) and a bare ncursesw menu, all on the same pseudo-terminal in the same run."""
import os
import re
import subprocess
import time

import figures
import hall
import tap
import vt

RUNS = 5


def start(argv, env):
    """A screen that has painted, and the milliseconds from its start until the last byte of that."""
    screen = vt.Screen(argv, env=env)
    screen.wait_for(lambda: any(row.strip() for row in screen.state["rows"]), "a first paint")
    screen.quiet(0.05)
    return screen, screen.stats()["last_us"] / 1000


class Writes:
    """Counts a program's write(2) calls to its terminal, by strace(1)."""

    def __init__(self, screen, log):
        self.pid, self.log = screen.pid, log
        self.trace = subprocess.Popen(["strace", "-e", "trace=write,writev", "-o", log, "-p", str(self.pid)], stderr=subprocess.PIPE, text=True)
        while "attached" not in self.trace.stderr.readline():
            pass

    def count(self):
        with open(self.log) as file:
            fds = [re.match(r"writev?\((\d+),", line) for line in file]
        return sum(self._is_terminal(match.group(1)) for match in fds if match)

    def _is_terminal(self, fd):
        try:
            return os.readlink(f"/proc/{self.pid}/fd/{fd}").startswith("/dev/pts/")
        except OSError:
            return False

    def close(self):
        self.trace.terminate()
        self.trace.communicate()


def press(screen, name):
    """The key's cost: bytes, and milliseconds to the last of them."""
    serial = screen.look()["serial"]
    screen.key(name)
    screen.ask("change", since=serial, timeout=1000)
    screen.quiet(0.03)
    stats = screen.stats()
    return stats["bytes"], stats["last_us"] / 1000


def presses(screen, keys, rounds):
    return [press(screen, key) for _ in range(rounds) for key in keys]


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def pss_mb(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024


def wakeups(pid, seconds=5):
    def switches():
        total = 0
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status") as file:
                total += sum(int(line.split()[1]) for line in file if "_ctxt_switches" in line)
        return total
    before = switches()
    time.sleep(seconds)
    return (switches() - before) / seconds


def first_screen(argv, env):
    times = []
    for _ in range(RUNS):
        screen, taken = start(argv, env)
        times.append(taken)
        screen.close()
    return figures.median(times)


def walk(screen, told, count):
    """Opens each of the home page's items by its digit and comes back; told(name, what count() was before, bytes) for each switch."""
    for item in ("1", "2", "3", "4"):
        for name, key in ((f"page {item}", item), (f"page {item} and back", "Esc")):
            screen.quiet(0.3)
            before = count()
            size, _ = press(screen, key)
            told(name, before, size)


def main():
    menu = [tap.built("tests/bench/menu")]
    items = [text for i in range(1, 9) for text in (str(i), f"item {i}")]
    dialog = ["dialog", "--menu", "hall", "20", "70", "10", *items]
    with hall.Hall() as house:
        env = house.env("zh_CN", module=True)
        certhall = [tap.built("certhall")]
        figures.show("first screen", first_screen(certhall, env), "ms", first_screen(dialog, vt.environment()), most=2, of="ratio")

        bare, _ = start(menu, vt.environment())
        bare_keys = [cost for _, cost in presses(bare, ["Down"], 200)]
        bare.close()

        screen, _ = start(certhall, env)
        screen.quiet(1)
        keys = presses(screen, ["Down", "Up"], 100)
        figures.show("bytes per cursor key", figures.median([size for size, _ in keys]), "B", most=60)
        times = [cost for _, cost in keys]
        figures.show("key to paint, p50", figures.percentile(times, 0.5), "ms", figures.percentile(bare_keys, 0.5), most=1.2, of="ratio")
        figures.show("key to paint, p99", figures.percentile(times, 0.99), "ms", figures.percentile(bare_keys, 0.99), most=2)

        walk(screen, lambda name, _, size: figures.show(f"{name}: bytes", size, "B", most=1500), lambda: 0)
        writes = Writes(screen, f"{house.dir}/run/strace")
        walk(screen, lambda name, before, _: figures.show(f"{name}: writes", writes.count() - before, "", most=1), writes.count)
        before = writes.count()
        presses(screen, ["Down", "Up"], 10)
        figures.show("writes per cursor key", (writes.count() - before) / 20, "", most=1)
        writes.close()
        figures.show("memory after the walk (PSS)", pss_mb(screen.pid), "MB", most=6)
        for child in children(screen.pid):
            figures.show("memory of the key's helper (PSS)", pss_mb(child), "MB", most=4)
        figures.show("wake-ups when idle", wakeups(screen.pid), "1/s", most=0)
        screen.close()
    figures.close()


main()
