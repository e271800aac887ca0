"""Whoever stands at a kiosk gets the hall and the key, and nothing else of the machine: no program, no file, no environment of theirs."""
import os
import random
import re
import signal
import sqlite3
import sys
import threading
import time

for folder in ("journey", "renewal"):
    sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests", folder))
import hall
import tap
import vt
import walk
from renewals import DETAILS, DUE, Renewal, cert, only

where = hall.Hall(certs=[cert(DUE, "ec:P-256")], settings={
    'algorithms = "rsa:2048,rsa:3072,ec:P-256"': 'algorithms = "ec:P-256"',
    "log = {": "sweep = { every = 1; first = 1; };\nlimits = { query_rate = 0; address_rate = 0; certificate_rate = 0; };\nlog = {"})
HOME, TRAP = where.new_home(), os.path.join(where.dir, "trap")
MARK = os.path.join(TRAP, "was-here")
SNARE = "#!/bin/sh\necho \"$0\" >>" + MARK + "\n"
ALLOWED = {"HOME", "TERM", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "COLORTERM", "NO_COLOR", "ESCDELAY", "PATH"}


def prepare():
    os.makedirs(os.path.join(HOME, ".config/softhsm2"))
    os.makedirs(TRAP)
    with open(os.path.join(where.dir, "key/softhsm2.conf")) as file, open(os.path.join(HOME, ".config/softhsm2/softhsm2.conf"), "w") as copy:
        copy.write(file.read())
    for name in ("sh", "less", "vi", "xdg-open", "viewer"):
        with open(os.path.join(TRAP, name), "w") as file:
            file.write(SNARE)
        os.chmod(os.path.join(TRAP, name), 0o755)
    with open(os.path.join(TRAP, "evil.conf"), "w") as file:
        file.write("openssl_conf = nothing_here\n.include /nothing\n")
    with open(os.path.join(where.dir, "certhall-with-module.conf")) as file, open(os.path.join(where.dir, "kiosk.conf"), "w") as config:
        config.write(file.read() + f'download = {{ viewer = "{TRAP}/viewer"; folder = "{TRAP}/downloads"; }};\n')


def environment():
    """What a person may have brought along."""
    program = {name: os.path.join(TRAP, "sh") for name in ("SHELL", "EDITOR", "VISUAL", "PAGER", "LESSOPEN", "BROWSER", "BASH_ENV", "ENV")}
    files = {name: os.path.join(TRAP, "evil.conf") for name in ("SOFTHSM2_CONF", "OPENSSL_CONF", "OPENSC_CONF", "CERTHALL_CONFIG", "SSL_CERT_FILE", "CURL_CA_BUNDLE")}
    folders = {name: TRAP for name in ("TERMINFO", "TERMINFO_DIRS", "LOCPATH", "GCONV_PATH", "NLSPATH", "OPENSSL_MODULES", "OPENSSL_ENGINES", "P11_KIT_CONFIG_DIR", "TMPDIR",
                                       "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DOWNLOAD_DIR", "LD_LIBRARY_PATH")}
    wire = {"https_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1", "SSLKEYLOGFILE": os.path.join(TRAP, "keys"), "RESOLV_HOST_CONF": MARK,
            "SSH_ORIGINAL_COMMAND": "sh -i", "LD_PRELOAD": ""}
    return vt.environment("en", HOME=HOME, PATH=TRAP + ":" + where.path, **program, **files, **folders, **wire)


def tree(*folders):
    found = set()
    for folder in folders:
        for at, _, names in os.walk(folder):
            found |= {os.path.join(at, name) for name in names}
    return found


class Watch:
    """Every program that a process and its children start, while the block runs: by ppid, looked at again and again."""

    def __init__(self, pid):
        self.pid, self.seen, self.over = pid, {}, threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)

    def _look(self):
        while not self.over.wait(0.002):
            self._children(self.pid)

    def _children(self, pid):
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as file:
                    for child in file.read().split():
                        self._note(child)
                        self._children(child)
        except OSError:
            pass # it is gone

    def _note(self, pid):
        try:
            self.seen[pid] = os.readlink(f"/proc/{pid}/exe")
            with open(f"/proc/{pid}/environ", "rb") as file:
                self.environment = {part.split(b"=")[0].decode() for part in file.read().split(b"\0") if part}
        except OSError:
            self.seen.setdefault(pid, "gone")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.over.set()
        self.thread.join()

    @property
    def others(self):
        return {name for name in self.seen.values() if os.path.basename(name.removesuffix(" (deleted)")) not in ("certhall-token", "certhall", "gone")}


class Kiosk(walk.Walk):
    def __init__(self, cols=80, rows=24, options=("--kiosk", "--config", os.path.join(where.dir, "kiosk.conf")), env=None):
        self.hall, self.lang, self.say = where, "en", str
        self.screen = where.certhall(*options, env=env or environment(), cols=cols, rows=rows, cwd=TRAP)


def innocent(watch, before):
    tap.equal(watch.others, set(), "programs started")
    own = os.path.join(HOME, ".local")
    tap.equal({path for path in tree(where.dir) - before if not path.startswith((own, os.path.join(where.dir, "hall"), os.path.join(where.dir, "run"), os.path.join(where.dir, "key/tokens")))},
              set(), "files made")
    tap.check(not os.path.exists(MARK), "a snare went off")


def row(query):
    db = sqlite3.connect(os.path.join(where.dir, "hall/certhall.db"), timeout=30)
    try:
        return db.execute(query).fetchone()[0]
    finally:
        db.close()


prepare()
run = Renewal(where, only(where)["fingerprint"])
run.pay()
tap.equal(run.end(), 0, run.text)
while row("SELECT state FROM invoice") != 1: # issued by the hall's next sweep
    time.sleep(0.05)


@tap.test("page by page: nothing is saved, shown outside, installed or asked a path for; the environment decides nothing")
def _():
    before = tree(where.dir)
    with Kiosk() as person, Watch(person.screen.pid) as watch:
        person.home()
        person.screen.wait(DUE[0]) # the key, though SOFTHSM2_CONF leads elsewhere; the hall, though a proxy is named
        person.screen.wait_gone("Unknown until the hall answers")
        tap.equal(person.screen.find("renewing needs the hall"), None)
        tap.check(watch.environment <= ALLOWED, watch.environment)
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
        person.field("Digits in the picture", row("SELECT answer FROM captcha ORDER BY rowid DESC LIMIT 1"))
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
        with open(f"/proc/{person.screen.pid}/status") as file:
            status = file.read()
        tap.contains(status, "NoNewPrivs:\t1")
        ignored = int(re.search(r"SigIgn:\s+([0-9a-f]+)", status).group(1), 16)
        tap.check(all(ignored >> (number - 1) & 1 for number in (signal.SIGQUIT, signal.SIGTSTP)), status)
        for number in (signal.SIGQUIT, signal.SIGTSTP):
            person.screen.signal(number)
        person.key("Esc")
        person.title("Invoices")
    innocent(watch, before)


@tap.test("a kiosk by its configuration alone is one too; commands that make no page are no part of it")
def _():
    config = os.path.join(where.dir, "kiosk-alone.conf")
    with open(os.path.join(where.dir, "kiosk.conf")) as file, open(config, "w") as alone:
        alone.write(file.read() + "ui = { kiosk = 1; };\n")
    env = {name: value for name, value in environment().items() if name not in ("LOCPATH",)}
    with Kiosk(options=(), env=dict(env, CERTHALL_CONFIG=config)) as person, Watch(person.screen.pid) as watch:
        person.home()
        person.screen.wait(DUE[0])
        tap.check(watch.environment <= ALLOWED, watch.environment)
    done = where.run([tap.built("certhall"), "certs", "--kiosk"], check=False)
    tap.equal(done.returncode, 2)


KEYS = ["Enter", "Tab", "S-Tab", "Backspace", "Esc", "Up", "Down", "Left", "Right", "Home", "End", "PageUp", "PageDown", "Insert", "Delete",
        *(f"F{n}" for n in range(1, 13) if n != 10), *(f"C-{c}" for c in "abdefghijklmnopqrstuvwxyz\\]^_"), *"!:|;`$~/.?*0123456789 qQxyY", "M-x", "M-Enter", "S-F1"]
TEXTS = ["!sh\r", ":!sh\n", "|sh", "$(sh)", "`sh`", "~/.profile", "/etc/passwd", "../../..", "\x1b]52;c;c2g=\x07", "\x1b[201~", "\x1bP$q\x1b\\", "\x1b[200~!sh\r\x1b[201~", "测试样票"]


@tap.test("whatever is typed, pasted or done to the window", limit=120)
def _():
    before = tree(where.dir)
    for seed, (cols, rows) in enumerate([(80, 24), (1, 1), (500, 200)]):
        dice = random.Random(seed)
        with tap.step(f"seed {seed} at {cols}x{rows}"), Kiosk() as person, Watch(person.screen.pid) as watch:
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
        innocent(watch, before)


@tap.test("keys pressed before the program is there: its page, or its end")
def _():
    before = tree(where.dir)
    for key in ("C-z", "C-\\", "C-c"):
        with Kiosk() as person, Watch(person.screen.pid) as watch:
            person.key(key)
            person.screen.wait_for(lambda: person.screen.find("Renew certificate") or person.screen.state["exited"] or None, "the home page, or the end")
        innocent(watch, before)


tap.run()
