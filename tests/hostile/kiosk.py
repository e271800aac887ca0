"""Whoever stands at a kiosk gets the hall and the key, and nothing else of the machine: no program, no file, no environment of theirs."""
import os
import random
import re
import signal
import time

import stand
import tap
from renewals import DETAILS, DUE, Renewal, cert, only

house = stand.House([cert(DUE, "ec:P-256")])
where = house.hall


class Kiosk(stand.Kiosk):
    def __init__(self, **more):
        super().__init__(house, **more)


run = Renewal(where, only(where)["fingerprint"])
run.pay()
tap.equal(run.end(), 0, run.text)
while house.hall.rows("SELECT state FROM invoice")[0][0] != 1: # issued by the hall's next sweep
    time.sleep(0.05)


@tap.test("page by page: nothing is saved, shown outside, installed or asked a path for; the environment decides nothing")
def _():
    with Kiosk() as person:
        person.home()
        person.screen.wait(DUE[0]) # the key, though SOFTHSM2_CONF leads elsewhere; the hall, though a proxy is named
        person.screen.wait_gone("Unknown until the hall answers")
        tap.equal(person.screen.find("renewing needs the hall"), None)
        person.key("4")
        person.title("Help centre")
        person.key("Down", "Enter")
        person.see("At this terminal only whoever looks after it installs")
        person.key("Enter", "Esc")
        person.home()
        person.screen.wait_gone("At this terminal only")
        person.key("3")
        person.title("Invoices")
        person.see("Type the digits of this picture")
        person.field("Organisation", DUE[0])
        person.field("Taxpayer number", DETAILS[5])
        person.field("Contact's phone", DETAILS[3])
        person.field("Digits in the picture", house.hall.rows("SELECT answer FROM captcha ORDER BY rowid DESC LIMIT 1")[0][0])
        person.key("Enter")
        person.title("Invoices found")
        person.screen.wait("￥360.00", re.compile(" issued"))
        tap.equal([person.screen.find(text) for text in ("Download", "Choose", "Save")], [None] * 3)
        for key in ("F2", " ", "F6", "6"):
            person.key(key)
        tap.equal(person.screen.find("Download"), None)
        person.key("Enter")
        person.title("Invoice")
        person.screen.wait_gone("newest first")
        person.screen.wait(DUE[0])
        person.key("Esc")
        person.title("Invoices found")
        tap.check({"HOME", "PATH"} <= person.watch.environment and person.watch.hosts, "the watch has seen nothing")
        with open(f"/proc/{person.screen.pid}/status") as file:
            status = file.read()
        tap.contains(status, "NoNewPrivs:\t1")
        ignored = int(re.search(r"SigIgn:\s+([0-9a-f]+)", status).group(1), 16)
        tap.check(all(ignored >> (number - 1) & 1 for number in (signal.SIGQUIT, signal.SIGTSTP)), status)
        for number in (signal.SIGQUIT, signal.SIGTSTP):
            person.screen.signal(number)
        person.key("Esc")
        person.title("Invoices")


@tap.test("a kiosk by its configuration alone is one too; commands that make no page are no part of it")
def _():
    config = house.configure("kiosk-alone.conf", "ui = { kiosk = 1; };\n")
    with Kiosk(options=(), env=house.environment(LOCPATH=None, CERTHALL_CONFIG=config)) as person:
        person.home()
        person.screen.wait(DUE[0])
    done = where.run([tap.built("certhall"), "certs", "--kiosk"], check=False)
    tap.equal(done.returncode, 2)


KEYS = ["Enter", "Tab", "S-Tab", "Backspace", "Esc", "Up", "Down", "Left", "Right", "Home", "End", "PageUp", "PageDown", "Insert", "Delete",
        *(f"F{n}" for n in range(1, 13) if n != 10), *(f"C-{c}" for c in "abdefghijklmnopqrstuvwxyz\\]^_"), *"!:|;`$~/.?*0123456789 qQxyY", "M-x", "M-Enter", "S-F1"]
TEXTS = ["!sh\r", ":!sh\n", "|sh", "$(sh)", "`sh`", "~/.profile", "/etc/passwd", "../../..", "\x1b]52;c;c2g=\x07", "\x1b[201~", "\x1bP$q\x1b\\", "\x1b[200~!sh\r\x1b[201~", "测试样票"]


@tap.test("whatever is typed, pasted or done to the window", limit=120)
def _():
    for seed, (cols, rows) in enumerate([(80, 24), (1, 1), (500, 200)]):
        dice = random.Random(seed)
        with tap.step(f"seed {seed} at {cols}x{rows}"), Kiosk() as person:
            person.home()
            person.screen.resize(cols, rows)
            for number in range(150):
                if dice.random() < 0.1:
                    person.screen.type(dice.choice(TEXTS))
                elif dice.random() < 0.02:
                    person.screen.resize(dice.randint(1, 500), dice.randint(1, 200))
                else:
                    person.key(dice.choice(KEYS))
                if number % 50 == 49:
                    person.screen.quiet(0.05)
            person.screen.paste("!sh\r:!sh\r" * 20_000 if seed == 0 else "x\x1b]0;sh\x07" * 1000)
            person.screen.resize(80, 24)
            person.screen.quiet(0.2)
            tap.check(not person.screen.look()["exited"] or person.screen.exit_status() == 0, "it crashed")
            tap.check("sh" not in person.screen.state["title"], "a title was set")


@tap.test("keys pressed before the program is there: its page, or its end")
def _():
    for key in ("C-z", "C-\\", "C-c"):
        with Kiosk() as person:
            person.key(key)
            person.screen.wait_for(lambda: person.screen.find("Renew certificate") or person.screen.state["exited"] or None, "the home page, or the end")


tap.run()
