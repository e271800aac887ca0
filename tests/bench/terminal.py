"""The terminal program beside dialog(1) and a bare ncursesw menu, all on the same pseudo-terminal in the same run."""
import os
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


def writes(pid):
    with open(f"/proc/{pid}/io") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("syscw"))


def press(screen, name):
    """The key's cost: bytes, write(2) calls, milliseconds to the last byte."""
    before = writes(screen.pid)
    screen.key(name)
    screen.quiet(0.03)
    stats = screen.stats()
    return stats["bytes"], writes(screen.pid) - before, stats["last_us"] / 1000


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


def main():
    menu = [tap.built("tests/bench/menu")]
    items = [text for i in range(1, 9) for text in (str(i), f"item {i}")]
    dialog = ["dialog", "--menu", "hall", "20", "70", "10", *items]
    with hall.Hall() as house:
        env = house.env("zh_CN", module=True)
        certhall = [tap.built("certhall")]
        figures.show("first screen", first_screen(certhall, env), "ms", first_screen(dialog, vt.environment()), most=2, of="ratio")

        bare, _ = start(menu, vt.environment())
        bare_keys = [cost for _, _, cost in presses(bare, ["Down"], 200)]
        bare.close()

        screen, _ = start(certhall, env)
        screen.quiet(1)
        keys = presses(screen, ["Down", "Up"], 100)
        figures.show("bytes per cursor key", figures.median([size for size, _, _ in keys]), "B", most=60)
        figures.show("writes per cursor key", figures.median([count for _, count, _ in keys]), "", most=1)
        times = [cost for _, _, cost in keys]
        figures.show("key to paint, p50", figures.percentile(times, 0.5), "ms", figures.percentile(bare_keys, 0.5), most=1.2, of="ratio")
        figures.show("key to paint, p99", figures.percentile(times, 0.99), "ms", figures.percentile(bare_keys, 0.99), most=2)

        pages = []
        for item in ("1", "2", "3", "4"):
            screen.key("Home") # onto a known place; the digit opens the item
            screen.quiet(0.3)
            pages.append((item, press(screen, item)))
            screen.quiet(0.5)
            pages.append((f"{item} back", press(screen, "Esc")))
            screen.quiet(0.3)
        for name, (size, count, _) in pages:
            figures.show(f"page switch {name}: bytes", size, "B", most=1500)
            figures.show(f"page switch {name}: writes", count, "", most=1)
        figures.show("memory after the walk (PSS)", pss_mb(screen.pid), "MB", most=6)
        for child in children(screen.pid):
            figures.show("memory of the key's helper (PSS)", pss_mb(child), "MB", most=4)
        figures.show("wake-ups when idle", wakeups(screen.pid), "1/s", most=0)
        screen.close()
    figures.close()


main()
