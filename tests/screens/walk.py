"""Every key on every page, and windows of every size: nothing of it may end the program or leave a page it cannot draw.

A walk is its seed; to see one again: tests/screens/walk.py "seed 7".
"""
import random
import re

import stage
import tap

SEEDS = 28
KEYS = 160
NAMED = ["Enter", "Enter", "Enter", "Esc", "Tab", "S-Tab", "Up", "Down", "Left", "Right", "Home", "End", "PageUp", "PageDown",
         "Backspace", "Delete", "C-t", "C-u", "C-l"] + [f"F{n}" for n in range(1, 13)]
TYPED = list("0123456789? ") + ["12345678", "测试", "５", "a", "\u202e", "é"]
SCENARIOS = [[], ["fail"], [], ["fail"], ["unfinished", "clock"], ["no-module"], ["slow", "no-module"], ["hall-down"], ["no-key"], ["pin-pad", "code-expired"],
             ["unpaid", "reconnecting"], ["pin-locked"], ["pin-final", "stuck"], ["empty-key", "slow-key"]]
SIZES = [(80, 24), (60, 20), (40, 10), (39, 9), (200, 60), (100, 30), (20, 6), (82, 45), (81, 25), (41, 11)]


def sound(terminal, what):
    """The program lives and has drawn a page: a key bar on the last row, or that the window is too small."""
    def drawn():
        state = terminal.state
        rows, cols = state["size"]
        return state["exited"] or cols < 40 or rows < 10 or any(row.strip() for row in state["rows"][-1:])
    terminal.wait_for(drawn, what)


# How far a walk goes the straight way first, so that the later pages are walked on too.
WAY = [(["1"], "check"), (["Enter"], "choose"), (["Enter"], "pin"), (stage.PIN, "details"), (stage.FORM, "pay"), (["Enter"], "install")]
SIGNS = {"check": "Enter goes on", "choose": "F3 3", "pin": "Enter the key's PIN", "details": "Confirm details", "pay": "AZT112217NR3QT", "install": "is paid"}


def go(terminal, steps, last_try):
    for keys, page in WAY[:steps]:
        stage.press(terminal, keys)
        if page == "pin" and last_try:
            terminal.wait("The last try")
            stage.press(terminal, ["2", "Enter"])
        terminal.wait(SIGNS[page])


def walk(seed):
    chance = random.Random(seed)
    scenario = SCENARIOS[seed % len(SCENARIOS)]
    deep = not scenario or scenario[0] in ("fail", "unpaid", "pin-final")
    with stage.screen(*scenario, lang="en" if deep else "zh_CN") as terminal:
        terminal.wait(re.compile("Enter"))
        if deep:
            terminal.wait("1 Renew certificate")
            go(terminal, chance.randint(0, len(WAY)), "pin-final" in scenario)
        pressed = []
        for _ in range(KEYS):
            kind = chance.random()
            if kind < 0.08:
                size = chance.choice(SIZES)
                pressed.append(size)
                terminal.resize(*size)
            elif kind < 0.75:
                pressed.append(chance.choice(NAMED))
                terminal.key(pressed[-1])
            else:
                pressed.append(chance.choice(TYPED))
                terminal.type(pressed[-1])
            if chance.random() < 0.1:
                sound(terminal, f"a page after {pressed[-5:]}")
            if terminal.state is not None and terminal.state["exited"]:
                break
        terminal.resize(80, 24)
        state = terminal.look()
        if state["exited"]: # the person may leave; it must have been by the dialog
            tap.equal(terminal.exit_status(), 0, f"after {pressed[-8:]}")
            tap.diag(f"left after {len(pressed)}")
            return
        sound(terminal, f"a page at the end of seed {seed}")
        terminal.signal()
        status = terminal.exit_status()
        tap.check(status in (0, 128 + 15, -15), f"ended with {status}")


for _seed in range(SEEDS):
    def _add(seed):
        @tap.test(f"random keys and sizes, seed {seed}")
        def _():
            walk(seed)
    _add(_seed)


@tap.test("a storm of resizes on every page of a renewal")
def _():
    with stage.screen() as terminal:
        terminal.wait("Renew certificate")
        pages = [(["1"], "Enter goes on"), (["Enter"], "Choose certificate"), (["Enter"], "Enter the key's PIN"), (stage.PIN, "Confirm details"),
                 (stage.FORM, "AZT112217NR3QT"), (["Enter"], "Install certificate"), (["Enter"], "Enter the key's PIN"), (stage.PIN, "Renewal complete")]
        for keys, text in pages:
            stage.press(terminal, keys)
            terminal.wait(text)
            for cols, rows in SIZES:
                terminal.resize(cols, rows)
            terminal.resize(80, 24)
            terminal.wait(text, rows=None)
            sound(terminal, text)


tap.run()
