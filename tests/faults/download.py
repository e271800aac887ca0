#!/usr/bin/env python3
"""An invoice (both its files, by command line) and a driver (on its page) are fetched, and certhall or certhalld is killed at the n-th call
to the kernel, or the line goes bad: each name has the whole file or none, and the same again ends with the whole files and nothing else.

SYSCALLS, SEED: as for syscalls.py. An argument, as "invoice certhall pwrite 3" or "driver cut 5", tries that one.
"""
import hashlib
import os
import random
import subprocess
import sys
import threading

here = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault("top_srcdir", os.path.realpath(os.path.join(here, "../..")))
sys.path[:0] = [os.path.join(here, name) for name in ("../lib", "../journey", "../renewal")]
import chaos  # noqa: E402
import hall  # noqa: E402
import nth  # noqa: E402
import tap  # noqa: E402
import vt  # noqa: E402
from renewals import DUE, Renewal, cert, only  # noqa: E402
from walk import Walk  # noqa: E402

SEED, MANY = int(os.environ.get("SEED", "1")), os.environ.get("SYSCALLS", "6")
SEEDS = 10      # of each way in which a line goes bad, when all are tried
PATIENCE = 1.5  # seconds that a bad line is borne
TITLE, TAX_NO, PHONE = DUE[0], "91350100M000100Y43", "13800000000"
OTHERS = {"样票.txt": b"mine", "fapiao_1.pdf": b"another", "fapiao_1.xml.part": b"of another"}

calls = nth.Nth()
tap.at_exit(lambda: os.unlink(calls.path))
place = hall.Hall(certs=[cert(DUE, "ec:P-256")], env=calls.env,
                  settings={"log = {": "sweep = { every = 1; first = 1; };\nlimits = { address_rate = 0; query_rate = 0; captcha_rate = 0; };\nlog = {"})


class Fetching:
    """Somebody who fetches into a folder that has other files already. home: theirs; wanted: {name: SHA-256 as the hall says}."""
    more = {} # of the environment
    linked = False

    def __init__(self):
        self.home = place.new_home()
        self.folder = os.path.join(self.home, self.into)
        os.mkdir(self.folder)
        for name, content in OTHERS.items():
            with open(os.path.join(self.folder, name), "wb") as file:
                file.write(content)
        self.before = self.others()

    def others(self):
        return {name: (os.stat(os.path.join(self.folder, name)), self.content(name)) for name in OTHERS}

    def content(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def look(self, done=False):
        """Whole files or none, at the most a part of each, nothing else; done: the whole ones alone."""
        now, before = self.others(), self.before
        for name in OTHERS:
            tap.check(now[name][1] == before[name][1] and now[name][0].st_mtime_ns == before[name][0].st_mtime_ns, f"{name} was touched")
        there = set(os.listdir(self.folder)) - set(OTHERS)
        for name in there:
            about = os.lstat(os.path.join(self.folder, name))
            tap.equal((oct(about.st_mode), about.st_uid), (oct(0o100600), os.geteuid()), name)
            tap.check(about.st_nlink == 1 or (self.linked and not done), f"{name} has another name")
            if name in self.wanted:
                tap.equal(hashlib.sha256(self.content(name)).hexdigest(), self.wanted[name], name)
            else:
                tap.check(name.endswith(".part") and name[:-5] in self.wanted, f"{name} is left")
                tap.check(name[:-5] not in there or self.linked, f"{name} is left beside the whole")
                tap.check(self.whole[name[:-5]].startswith(self.content(name)), f"{name} is no part of it")
        if done:
            tap.equal(there, set(self.wanted))


class Invoice(Fetching):
    into = "saved"

    def run(self, env=None, began=None):
        """Its exit status, minus a signal. began(): called when the fetching begins."""
        began and began()
        process = subprocess.Popen([tap.built("certhall"), "invoices", "--title", TITLE, "--tax-no", TAX_NO, "--phone", PHONE, "--save", self.folder,
                                    "--format", "both"], env=place.env("en", home=self.home, **{**self.more, **(env or {})}), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        mender = mends_when_slow(process)
        shown, line = b"", b"-"
        while line and shown.count(b"\n") < 11:  # the picture
            line = process.stderr.readline()
            shown += line
        digits = place.rows("SELECT answer FROM captcha ORDER BY rowid DESC LIMIT 1") if line else []
        out, errors = process.communicate((digits[0][0] if digits else "-").encode() + b"\n")
        mender.join()
        tap.remember(out.decode() + shown.decode() + errors.decode())
        return process.returncode


def mends_when_slow(process):
    """The line is borne for a while, then mended: the program may be waiting for just that."""
    def watch():
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            line.clear()
    mender = threading.Thread(target=watch)
    mender.start()
    return mender


class OldDisk(Invoice):
    """Where nothing can be renamed without replacing what is there."""
    more, linked = {**calls.env, "CERTHALL_OLD_DISK": "1"}, True


class Driver(Fetching):
    into = "certhall-downloads"

    def run(self, env=None, began=None):
        with Walk(place, "en", home=self.home, **(env or {})) as person:
            person.home()
            person.key("4")
            person.title("Help centre")
            person.key("2", "Enter")
            person.title("Downloads")
            person.screen.wait("SimKey PKCS#11")
            before = person.screen.cursor()
            person.key("Down")
            person.screen.wait_for(lambda: person.screen.cursor() != before or None, "the selection to move")
            person.key("Enter")
            person.see("Save puts it into the download folder")
            began and began()
            person.key("Enter")
            ended = ("was checked and saved to", "not saved", "There is a file")
            while True:
                try:
                    which = person.screen.wait_any(*ended, timeout=PATIENCE)
                    break
                except vt.NotSeen:
                    if person.screen.state["exited"]:
                        return person.screen.exit_status()
                    line.clear()
            tap.remember(person.screen.dump())
            return 1 if which == 1 else 0


def learn(kind):
    """What was called how often, and how many bytes passed, when nothing goes wrong."""
    person = kind()
    passed = []
    tap.equal(person.run(calls.env, lambda: (calls.begin(), passed.append(line.passed))), 0)
    made = calls.made()
    person.look(done=True)
    kind.whole = {name: person.content(name) for name in kind.wanted}
    return made, line.passed - passed[0]


def goes_on(person, status):
    """The line is mended, the hall serves, and the same is done again."""
    tap.remember(f"ended with {status}")
    person.look(done=status == 0)
    line.forget()
    tap.equal(person.run(), 0, "the same again")
    person.look(done=True)


def killed(kind, program, call, n):
    nth.near(n, lambda n: came_to(kind, program, call, n))


def came_to(kind, program, call, n):
    """certhalld is started anew at once, or when certhall has given up."""
    person = kind()
    keeper.again.clear()
    if random.Random(f"{SEED} {call} {n}").random() < 0.5:
        keeper.may.clear()
    status = person.run(calls.env, lambda: (calls.begin(), calls.kill(program, call, n)))
    hit = calls.is_set()
    calls.spare()
    keeper.may.set()
    tap.check(program != "certhalld" or not hit or keeper.again.wait(30), "certhalld is not there again")
    if program == "certhall" and hit and kind is Invoice: # the other may have been told of its file, and died when it was closed
        tap.equal(status, -9)
    goes_on(person, status)
    return hit


def spoiled(kind, toxic, seed):
    chance = random.Random(f"{seed} {toxic} {kind.__name__}")
    after = int(chance.random() * 0.95 * bytes_of[kind])
    person, began = kind(), threading.Event()

    def spoil():
        began.set()
        chaos.SPOILERS[toxic](line, chance)
    status = person.run(None, lambda: line.at(line.passed + after, spoil))
    tap.remember(line.log())
    tap.check(began.is_set(), f"fewer than {after} bytes passed")
    goes_on(person, status)


def parted(content):
    """A part that is none, left by whoever: one run ends with the whole file."""
    person = Invoice()
    name = next(iter(person.wanted))
    with open(os.path.join(person.folder, name + ".part"), "wb") as file:
        file.write(content(person.whole[name]))
    os.chmod(file.name, 0o644)
    tap.equal(person.run(), 0)
    person.look(done=True)


def chosen():
    """Of each kind by chance: of the driver, whose page takes longer, fewer."""
    kinds = {"invoice": Invoice, "olddisk": OldDisk, "driver": Driver}
    if len(sys.argv) > 1:
        kind, *case = sys.argv.pop().split()
        return [(kinds[kind], *case[:-1], int(case[-1]))]
    picked = [(OldDisk, *key, n) for key in made[OldDisk] if key[1] in ("rename", "unlink") for n in range(1, made[OldDisk][key] + 1)]
    for kind in Invoice, Driver:
        kills = [(kind, *key, n) for key, count in made[kind].items() if key[0] != "certhall-token" for n in range(1, count + 1)]
        lines = [(kind, toxic, seed) for toxic in chaos.SPOILERS for seed in range(SEED, SEED + SEEDS)]
        tap.diag(f"{kind.__name__}: {bytes_of[kind]} bytes, {dict(made[kind])}, {len(kills)} + {len(lines)} cases; SEED={SEED}")
        random.Random(SEED).shuffle(kills)
        random.Random(SEED).shuffle(lines)
        count = len(kills) + len(lines) if MANY == "all" else int(MANY) // (1 if kind is Invoice else 6)
        picked += kills[:count] + lines[:count if MANY == "all" else count // 3]
    return picked


number = Renewal(place, only(place)["fingerprint"])
order = number.pay()
tap.equal(number.end(), 0, number.text)
while place.rows("SELECT state FROM invoice WHERE number = ?", order) != [(1,)]:  # issued by the hall's next sweep
    threading.Event().wait(0.05)
line = chaos.Proxy(place.port)
place.through(line.port)
keeper = nth.Keeper(place, line)
Invoice.wanted = {f"fapiao_{number}.{kind}": digest for number, kind, digest in place.rows("SELECT v.invoice_no, f.format, f.sha256 FROM invoice_file f JOIN invoice v ON v.id = f.id")}
with open(os.path.join(place.dir, "hall/packages/simkey-driver-1.4.2.run"), "rb") as _file:
    Driver.wanted = {"simkey-driver-1.4.2.run": hashlib.sha256(_file.read()).hexdigest()}
made, bytes_of = {}, {}
for _kind in Invoice, OldDisk, Driver:
    made[_kind], bytes_of[_kind] = learn(_kind)

for _name, _content in {"of another file": lambda whole: bytes(len(whole) // 2), "as long as it, with a hole": lambda whole: whole[:-100] + bytes(100),
                        "longer than it": lambda whole: whole + b"more", "of nothing": lambda whole: b""}.items():
    tap.test(f"a part {_name} is in no way")(lambda content=_content: parted(content))
for _case in chosen():
    tap.test(f"{_case[0].__name__.lower()}: {' '.join(map(str, _case[1:]))}", limit=120)(lambda case=_case: (killed if len(case) == 4 else spoiled)(*case))
tap.run()
