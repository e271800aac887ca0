"""相关下载: what there is for this machine and for others; a driver saved, gone on with after the line broke, and refused when it is another file."""
import hashlib
import os
import platform
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from walk import Walk, hall, tap  # noqa: E402
import chaos  # noqa: E402

where = hall.Hall(certs=[("测试样票有限公司", "ec:P-256", -345, 20)])
DRIVER = "simkey-driver-1.4.2.run"
OFFERED = os.path.join(where.dir, "hall/packages", DRIVER)
with open(OFFERED, "rb") as _file:
    CONTENT = _file.read()


class Visitor(Walk):
    """A person without a key at 相关下载; home: where what they save goes."""

    def __init__(self, lang="zh_CN", home=None, **size):
        self.at = home or where.new_home()
        super().__init__(where, lang, home=self.at, **size)
        self.home()
        self.key("4")
        self.title("Help centre")
        self.key("2", "Enter")
        self.title("Downloads")
        self.screen.wait("SimKey PKCS#11")

    def choose_driver(self):
        before = self.screen.cursor()
        self.key("Down")
        self.screen.wait_for(lambda: self.screen.cursor() != before or None, "the selection to move")
        self.key("Enter")
        self.see("Save puts it into the download folder, once it was checked against the hall's list.")

    def saved(self, *path):
        self.see("%d file was checked and saved to %s.", "saved")
        with open(os.path.join(self.at, *path), "rb") as file:
            tap.check(file.read() == CONTENT, "not the file that is offered")
        tap.equal(os.stat(os.path.join(self.at, *path)).st_mode & 0o777, 0o600)
        self.key("Enter")
        self.title("Downloads")

    def left(self, folder="certhall-downloads"):
        folder = os.path.join(self.at, folder)
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


@tap.test("all kinds with version, system, size, day, hash and notes; this machine's first, the others marked")
def _():
    with Visitor(rows=40) as person:
        rows = person.screen.rows()
        heads = [(word, person.say("this machine") in row) for row in rows for word in re.findall(r"(控件|驱动|手册)  \S+", row)]
        tap.equal(heads, [("控件", True), ("驱动", True), ("手册", True), ("驱动", False)])
        text = "\n".join(rows)
        for part in ("1.4.2", platform.machine(), "391 kB", "2026-09-30", hashlib.sha256(CONTENT).hexdigest(), "安装前请拔出密钥", person.say("other system"), person.say("Any system"), "windows"):
            tap.contains(text, part)


@tap.test("a driver is saved, not written over unasked, and saved elsewhere; a component leads to its installation")
def _():
    with Visitor() as person:
        person.choose_driver()
        person.key("Enter")
        person.saved("certhall-downloads", DRIVER)
        tap.equal(person.left(), [DRIVER])
        person.key("Enter")
        person.see("Save puts it into the download folder, once it was checked against the hall's list.")
        person.key("Enter")
        person.see("There is a file %s already. Overwrite it?")
        person.key("Enter")
        person.see("kept the old one")
        person.key("Enter")
        person.title("Downloads")
        person.key("Enter")
        person.see("Save puts it into the download folder, once it was checked against the hall's list.")
        person.key("2", "Enter")
        person.see("The file to save it as; Tab completes:")
        person.key("C-u")
        person.screen.type(os.path.join(person.at, "elsewhere/样票 驱动"))
        person.key("Enter")
        person.saved("elsewhere", "样票 驱动")
        person.key("Home", "Enter")
        person.see("Save puts it into the download folder, once it was checked against the hall's list.")
        person.key("3", "Enter")
        person.title("Install component")
        person.screen.wait("SimKey PKCS#11")
        tap.equal(person.screen.find("1.4.2"), None, "only components are installed")


def broken(line):
    with Visitor() as person:
        person.choose_driver()
        line.at(line.passed + 150_000, lambda: (line.set(down=True), line.cut()))
        person.key("Enter")
        person.see("not saved", "Try again")
        tap.equal(person.left(), [DRIVER + ".part"])
        part = os.stat(os.path.join(person.at, "certhall-downloads", DRIVER + ".part")).st_size
        tap.check(100_000 < part < 150_000, f"{part} bytes of it")
        line.clear()
        passed = line.passed
        person.key("Enter")
        person.saved("certhall-downloads", DRIVER)
        tap.check(line.passed - passed < len(CONTENT) - part + 10_000, f"{line.passed - passed} bytes passed")
        tap.equal(person.left(), [DRIVER])


@tap.test("a line that breaks leaves a part, and trying again fetches the rest alone")
def _():
    with chaos.Proxy(where.port) as line:
        where.through(line.port)
        try:
            broken(line)
        finally:
            where.through(where.port)


def killed(line):
    with Visitor() as person:
        person.choose_driver()
        path = os.path.join(person.at, "certhall-downloads", DRIVER + ".part")
        line.at(line.passed + 150_000, lambda: line.set(stall=True))
        person.key("Enter")
        person.screen.wait_for(lambda: os.path.exists(path) and os.path.getsize(path) > 100_000, "a part of it")
        person.screen.signal(signal.SIGKILL)
        tap.equal(person.screen.exit_status(), -signal.SIGKILL)
    line.clear()
    tap.equal(person.left(), [DRIVER + ".part"])
    part = os.path.getsize(path)
    tap.check(part < len(CONTENT), f"{part} bytes of it")
    with Visitor(home=person.at) as again:
        again.choose_driver()
        passed = line.passed
        again.key("Enter")
        again.saved("certhall-downloads", DRIVER)
        tap.check(line.passed - passed < len(CONTENT) - part + 10_000, f"{line.passed - passed} bytes passed")
        tap.equal(again.left(), [DRIVER])


@tap.test("killed in the middle, the program leaves a part and no file; started again it fetches the rest alone")
def _():
    with chaos.Proxy(where.port) as line:
        where.through(line.port)
        try:
            killed(line)
        finally:
            where.through(where.port)


@tap.test("another file than the one on the signed list is refused, and not kept")
def _():
    with open(OFFERED, "r+b") as file:
        file.write(b"another")
    try:
        with Visitor() as person:
            person.choose_driver()
            person.key("Enter")
            person.see("The downloaded file is not the one the hall lists. It was deleted; download it again.", "not saved")
            tap.equal(person.left(), [])
    finally:
        with open(OFFERED, "wb") as file:
            file.write(CONTENT)


@tap.test("at a kiosk nothing is downloaded")
def _():
    config = os.path.join(where.dir, "certhall.conf")
    with open(config) as file:
        text = file.read()
    with open(config, "w") as file:
        file.write(text + "ui = { kiosk = 1; };\n")
    try:
        with Walk(where, "en", home=where.new_home()) as person:
            person.home()
            person.key("4")
            person.title("Help centre")
            person.key("2", "Enter")
            person.see("At this terminal only whoever looks after it")
            person.key("Enter")
            person.screen.wait_gone("At this terminal only")
            person.title("Help centre")
    finally:
        with open(config, "w") as file:
            file.write(text)


tap.run()
