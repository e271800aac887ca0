"""The hall's machine fails: no space, no writing, another process in the way, damage, a clock that is set, no descriptors, thousands
who say nothing, and the end in the middle of everything. Nothing is signed or billed whose intent cannot be kept."""
import errno
import mmap
import os
import resource
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../service"))
import books
from office import APPLICANT, Office, Stream, wait
import tap

DAY = 86400


class Machine:
    """What tests/books/machine.so makes of the machine that a program runs on."""

    def __init__(self, whose):
        self.path = os.path.join(tap.top_builddir, f"tests/books/machine-{whose}-{os.getpid()}")
        with open(self.path, "w+b") as file:
            file.write(bytes(16))
            file.flush()
            self.map = mmap.mmap(file.fileno(), 16)
        tap.at_exit(lambda: os.unlink(self.path))
        self.env = {"LD_PRELOAD": tap.built("tests/books/machine.so"), "CERTHALL_MACHINE": self.path,
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def set(self, seconds=0, error=0):
        self.map[:] = struct.pack("qq", seconds, error)


machine, bank_machine = Machine("hall"), Machine("bank")
office = Office(env=machine.env, bank_env=bank_machine.env)


def try_order(token):
    return office.post("/v1/orders", {"applicant": APPLICANT, "acknowledged": True}, token)


def bills():
    return len(books.ledger_of(office)["bills"])


def stored():
    """What says that something was done."""
    return office.sql("SELECT (SELECT count(*) FROM audit), (SELECT count(*) FROM event), (SELECT count(*) FROM certificate), (SELECT count(*) FROM bill)")


for error in (errno.ENOSPC, errno.EROFS):
    @tap.test(f"With {os.strerror(error).lower()}: no order, no bill, no certificate; it says so; afterwards everything goes on")
    def _(error=error):
        cert, token, number, bill = office.paying()
        cert2 = office.cert()
        token2 = office.login(cert2)
        paid = office.paid_order(cert2, token2)
        cert3 = office.cert()
        token3 = office.login(cert3)
        unbilled = office.order(token3)["number"]
        token4 = office.login(office.cert())
        before, billed = stored(), bills()
        request = office.cert_request(cert2, office.key(), paid)
        machine.set(error=error)
        try_order(token4).refused("storage", 503)
        office.post(f"/v1/orders/{unbilled}/payment", token=token3).refused("storage", 503)
        office.post(f"/v1/orders/{paid}/requests", request, token2).refused("storage", 503)
        tap.equal(office.get("/healthz").status, 503)
        tap.equal(office.get(f"/v1/orders/{number}", token).good()["state"], "paying", "what was asked for is still answered")
        office.bank_pays(bill)
        wait(lambda: [n for n in books.ledger_of(office)["notifications"] if n["bill_no"] == bill and n["answer"] == "FAILED"], "the notification to be sent again later")
        tap.equal(stored(), before, "something was stored")
        tap.equal(bills(), billed, "the bank heard of a bill that is not written down")
        tap.contains(office.logs(), "cannot be written")
        machine.set()
        wait(lambda: office.get("/healthz").status == 200, "the service to notice")
        tap.contains(office.logs(), "can be written again")
        office.wait_state(number, "paid")
        tap.equal(office.post(f"/v1/orders/{paid}/requests", request, token2).good()["state"], "issued")
        tap.equal(office.post(f"/v1/orders/{unbilled}/payment", token=token3).good()["state"], "paying")
        books.check(office)


@tap.test("On a disk that cannot be written it does not start, and says why")
def _():
    other = Office(bank=False, start=False)
    machine.set(error=errno.EROFS)
    office_env = dict(os.environ, **machine.env, LC_ALL="C.UTF-8", LANGUAGE="en")
    done = subprocess.run([tap.built("certhalld"), "serve", "--config", f"{other.dir}/hall.conf"], env=office_env, capture_output=True, text=True)
    machine.set()
    tap.equal(done.returncode, 1)
    tap.contains(done.stderr, "Read-only file system")


@tap.test("While another process holds the database the hall is busy, for those that write; then it goes on")
def _():
    token = office.login(office.cert())
    with sqlite3.connect(f"{office.dir}/hall.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = try_order(token)
        answer.refused("net-overloaded", 503)
        tap.check(int(answer.headers["Retry-After"]) > 0)
        office.get("/v1/session", token).good()
        other.execute("ROLLBACK")
    other.close()
    office.order(token)


@tap.test("A clock that is set forward ends sessions; the bank is asked before an order is given up; back again all goes on")
def _():
    _, token, number, bill = office.paying()
    with Stream(office, token, number) as stream:
        events = stream.events()
        next(events)
        machine.set(seconds=3600)
        wait(lambda: "the clock was set by" in office.logs(), "it to be noticed")
        office.get("/v1/session", token).refused("session-needed", 401)
        office.bank_pays(bill)
        wait(lambda: [n for n in books.ledger_of(office)["notifications"] if n["bill_no"] == bill and n["answer"] == "FAILED"],
             "the gateway, which takes no requests of another hour, cannot be asked")
        future = office.challenge("login")
        cert = office.cert()
        later = office.login(cert)
        machine.set()
        tap.equal(next(events)["data"]["state"], "paid", "the stream was ended by the clock")
    office.post("/v1/sessions", office.login_request(office.cert(), challenge=future)).refused("challenge-invalid", 409)
    office.get("/v1/session", later).refused("session-needed", 401)
    office.get("/v1/session", office.login(cert)).good()
    tap.equal(office.state_of(number), "paid")
    tap.equal(office.state_of(office.renewed()), "installed")
    books.check(office)


@tap.test("An order whose deadline has passed by a clock set forward is not lost: what is paid afterwards goes on")
def _():
    _, token, number, bill = office.paying()
    machine.set(seconds=3600) # the gateway does not take requests of another hour: nobody knows whether it is paid
    wait(lambda: f"order {number}" in office.logs(), "the deadline")
    tap.equal(office.state_of(number), "paying")
    machine.set()
    wait(lambda: office.get(f"/v1/orders/{number}", token).status == 200, "the session")
    office.bank_pays(bill)
    office.wait_state(number, "paid")


@tap.test("A payment that comes when the certificate can no longer be renewed is given back")
def _():
    _, token, number, bill = office.paying()
    office.post(f"/v1/orders/{number}/cancel", token=token).good()
    machine.set(seconds=400 * DAY)
    bank_machine.set(seconds=400 * DAY)
    office.bank_pays(bill, late=True)
    office.wait_state(number, "refunded")
    machine.set()
    bank_machine.set()
    books.check(office)


def sockets(count):
    return [socket.create_connection(("127.0.0.1", office.port)) for _ in range(count)]


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@tap.test("Out of descriptors it answers again when there are some")
def _():
    pid = office.processes["hall"].pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    office.get("/healthz")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (descriptors(pid) + 8, before[1]))
    many = sockets(40)
    wait(lambda: descriptors(pid) >= resource.prlimit(pid, resource.RLIMIT_NOFILE)[0], "the last descriptor to be taken")
    for one in many[:30]:
        one.close()
    office.connection.close()
    office.connection = None
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    tap.equal(office.get("/healthz").status, 200)
    for one in many[30:]:
        one.close()
    tap.equal(office.state_of(office.renewed()), "installed")


@tap.test("Five thousand that say nothing keep nobody from being served")
def _():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 6000:
        raise tap.Skip(f"only {hard} open files are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 6000), hard))
    idle = sockets(5000)
    tap.equal(office.state_of(office.renewed()), "installed")
    for one in idle:
        one.close()


def cut(one, data):
    """Sends a byte now and then, never silent for long, until the other side ends it."""
    one.settimeout(0.2)
    for byte in data:
        try:
            one.send(bytes([byte]))
            if one.recv(1000) == b"":
                return True
        except (TimeoutError, socket.timeout):
            continue
        except OSError:
            return True
    return False


@tap.test("A request that drips in is cut off, wherever it drips; others are not")
def _():
    slow = Office(bank=False, receive=2)
    head = b"POST /v1/challenges HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n"
    raw = socket.create_connection(("127.0.0.1", slow.port))
    in_head = slow.tls().wrap_socket(socket.create_connection(("127.0.0.1", slow.port)), server_hostname="127.0.0.1")
    in_body = slow.tls().wrap_socket(socket.create_connection(("127.0.0.1", slow.port)), server_hostname="127.0.0.1")
    in_head.sendall(head)
    in_body.sendall(head + b"\r\n")
    results = {}
    drips = [threading.Thread(target=lambda name=name, one=one, data=data: results.update({name: cut(one, data)}))
             for name, one, data in (("handshake", raw, b"\x16\x03\x01\x02\x00\x01" + b"\0" * 60), ("head", in_head, b"X-A: " + b"a" * 60), ("body", in_body, b"{" + b" " * 60))]
    for drip in drips:
        drip.start()
    token = slow.login(slow.cert())
    number = slow.order(token)["number"]
    with Stream(slow, token, number) as stream: # has been asked for: it may last
        events = stream.events()
        next(events)
        for drip in drips:
            drip.join()
        slow.order(token, 200, contact="另一人")
        tap.equal(next(events)["data"]["revision"], 2)
    tap.equal(results, {"handshake": True, "head": True, "body": True})
    tap.equal(slow.stop(), 0)


@tap.test("SIGTERM in the middle of everything: what was begun is finished, the exit status is 0, and it is there again")
def _():
    _, token, number, bill = office.paying()
    _, token2, number2, bill2 = office.paying()
    answers = []

    def ask(desk):
        answers.append(desk.post(f"/v1/orders/{number2}/payment/query", token=token2).status)

    half = office.tls().wrap_socket(socket.create_connection(("127.0.0.1", office.port)), server_hostname="127.0.0.1")
    half.sendall(b"POST /v1/challenges HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{")
    office.faults(slow_ms=1500)
    asking = threading.Thread(target=ask, args=(office.another(),))
    with Stream(office, token, number) as stream:
        events = stream.events()
        next(events)
        asking.start()
        wait(lambda: f"bills.query {bill2}" in office.logs(), "the question to be on its way")
        tap.equal(office.stop(), 0)
        tap.equal(list(events), [], "the stream was cut in the middle")
    asking.join()
    office.faults(slow_ms=0)
    tap.equal(answers, [200])
    office.start()
    books.check(office)
    tap.equal(office.get(f"/v1/orders/{number}", token).good()["state"], "paying")


@tap.test("Ended and started again it serves within a second, streams and silent connections or not")
def _():
    _, token, number, _ = office.paying()
    took = []
    for _ in range(3): # the machine may have something else to do
        silent = sockets(20)
        with Stream(office, token, number) as stream:
            next(stream.events())
            began = time.monotonic()
            tap.equal(office.stop(), 0)
            office.start()
            tap.equal(office.get("/healthz").status, 200)
            took.append(time.monotonic() - began)
        for one in silent:
            one.close()
    tap.diag(f"restarts took {' '.join(f'{seconds:.2f}' for seconds in took)} s")
    tap.check(min(took) < 1, f"{took}")


@tap.test("Damage while it serves: it says so, writes nothing more, ends cleanly, and goes on from the backup")
def _():
    number = office.renewed("paid")
    token = office.login(office.cert())
    office.certhalld("backup", f"{office.dir}/last.backup")
    office.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(f"{office.dir}/hall.db", "r+b") as file:
        size = os.path.getsize(file.name)
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    billed = bills()
    wait(lambda: office.post(f"/v1/orders/{number}/payment", token=token).status in (500, 503) and "restore the last backup" in office.logs(), "it to be noticed")
    tap.equal(office.get("/healthz").status, 503)
    try_order(token).refused("storage", 503)
    tap.equal(bills(), billed)
    tap.equal(office.stop(), 0)
    office.certhalld("restore", f"{office.dir}/last.backup")
    office.start()
    tap.equal(office.state_of(number), "paid")
    books.check(office)
    tap.equal(office.stop(), 0)


tap.run()
