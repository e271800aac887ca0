"""Backups in the middle of renewals, and going back to one."""
import contextlib
import os
import sqlite3
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../service"))
import books
from office import Office
import tap

office = Office()
ended = threading.Event()
failures = []


def renew(desk):
    try:
        while not ended.is_set():
            desk.renewed()
    except BaseException as error: # told by the test
        failures.append(error)


def backup(path, check=True):
    return office.certhalld("backup", path, check=check)


@tap.test("Backups taken while renewals go on are each of one moment: whole, private, and their books hold")
def _():
    desks = [threading.Thread(target=renew, args=(office.another(),)) for _ in range(3)]
    for desk in desks:
        desk.start()
    try:
        for n in range(6):
            tap.contains(backup(f"{office.dir}/{n}.backup").stdout, "checked")
    finally:
        ended.set()
        for desk in desks:
            desk.join()
    tap.equal(failures, [])
    counts = []
    for n in range(6):
        path = f"{office.dir}/{n}.backup"
        tap.equal(os.stat(path).st_mode & 0o777, 0o600)
        copy = books.Books(path, settled=False)
        copy.all()
        tap.equal(copy.faults, [])
        counts.append(len(copy.audit_rows))
        tap.equal([name for name in os.listdir(office.dir) if name.startswith(f"{n}.backup") and name != f"{n}.backup"], [], "nothing beside it")
    tap.check(counts == sorted(set(counts)), f"they are of different moments: {counts}")
    books.check(office)


@tap.test("A backup does not write over a file, and leaves nothing when it cannot be written")
def _():
    there = backup(f"{office.dir}/0.backup", check=False)
    tap.equal(there.returncode, 1)
    tap.contains(there.stderr, "There is a file")
    tap.equal(backup("/proc/none", check=False).returncode, 1)
    tap.equal(backup(f"{office.dir}/none/x", check=False).returncode, 1)


@tap.test("A backup is made also when the audit log cannot be told of it, and says so")
def _():
    office.sql("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(FAIL, 'no room'); END")
    done = backup(f"{office.dir}/unnoted.backup", check=False)
    office.sql("DROP TRIGGER full")
    tap.equal(done.returncode, 0, done.stderr)
    tap.contains(done.stderr, "the audit log does not tell of it")
    tap.check(os.path.getsize(f"{office.dir}/unnoted.backup") > 0)
    os.unlink(f"{office.dir}/unnoted.backup")


def restore(path, check=0):
    done = office.certhalld("restore", path, check=False)
    tap.equal(done.returncode, check, done.stdout + done.stderr)
    return done.stdout + done.stderr


def digest():
    return office.sql("SELECT max(seq) FROM audit")[0][0]


@tap.test("Nothing is restored while the hall serves, nor from what is no backup; what is there stays")
def _():
    before = digest()
    tap.contains(restore(f"{office.dir}/2.backup", 1), "is in use by the hall")
    tap.equal(office.stop(), 0)
    with open(f"{office.dir}/2.backup", "rb") as file:
        whole = file.read()
    with open(f"{office.dir}/torn.backup", "wb") as file:
        file.write(whole[:4096 * 8] + b"\xff" * 4096 * 8 + whole[4096 * 16:])
    with contextlib.closing(sqlite3.connect(f"{office.dir}/2.backup")) as db: # damage that only a look at every page shows
        page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'order_item_old'").fetchone()[0] - 1
    with open(f"{office.dir}/hurt.backup", "wb") as file:
        file.write(whole[:4096 * page] + b"\xff" * 4096 + whole[4096 * (page + 1):])
    with open(f"{office.dir}/short.backup", "wb") as file:
        file.write(whole[:len(whole) // 2])
    sqlite3.connect(f"{office.dir}/other.backup").execute("CREATE TABLE other (a)").connection.close()
    for name in ("torn", "hurt", "short", "other", "none"):
        restore(f"{office.dir}/{name}.backup", 1)
    tap.contains(restore(f"{office.dir}/hall.conf", 1), "This input cannot be used")
    tap.equal(digest(), before)
    tap.equal([name for name in os.listdir(office.dir) if "restoring" in name or "before" in name], [])


@tap.test("Restored, the hall goes on from that moment; the old database stands aside; the bank's statement tells what is lost")
def _():
    lost, before = digest(), os.stat(f"{office.dir}/hall.db").st_ino
    said = restore(f"{office.dir}/2.backup")
    aside = [name for name in os.listdir(office.dir) if name.startswith("hall.db.before-")]
    tap.equal(len(aside), 1)
    tap.contains(said, aside[0])
    with sqlite3.connect(f"{office.dir}/{aside[0]}") as old:
        tap.equal(old.execute("SELECT max(seq) FROM audit").fetchone()[0], lost)
    tap.equal(os.stat(f"{office.dir}/{aside[0]}").st_ino, before)
    tap.check(digest() < lost)
    tap.equal(office.sql("SELECT action FROM audit ORDER BY seq DESC LIMIT 1"), [("restore",)])
    office.start()
    tap.equal(office.staff("audit", "verify").returncode, 0)
    tap.equal(office.state_of(office.renewed()), "installed")
    today = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600))
    done = office.certhalld("reconcile", "--date", today, check=False)
    tap.equal(done.returncode, 1)
    tap.contains(done.stdout, "only at the bank")
    tap.equal(office.stop(), 0)


@tap.test("A damaged database is told of at the start, with what to do; restoring helps")
def _():
    with open(f"{office.dir}/hall.db", "r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 20)
    done = office.certhalld("serve", check=False)
    tap.equal(done.returncode, 1)
    tap.contains(done.stderr, "damaged")
    tap.contains(done.stderr, "certhalld restore")
    with open(f"{office.dir}/hall.db", "r+b") as file:
        file.write(b"no database at all" * 300)
    done = office.certhalld("serve", check=False)
    tap.equal(done.returncode, 1)
    tap.contains(done.stderr, "damaged")
    restore(f"{office.dir}/5.backup")
    office.start()
    office.renewed()
    tap.equal(office.stop(), 0)


tap.run()
