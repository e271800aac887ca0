"""Two things at the same moment: who was a little later finds it done, and nothing is done twice. Wants a build with --enable-faults."""
import base64
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../service"))
import books
from faults import Faults
from office import Office, wait
import tap

caught = Faults()
tap.at_exit(lambda: caught.__exit__(None, None, None))
office = Office(env=caught.env)


def at(place, action):
    """Does that when the service comes to the place next, while it waits there."""
    caught.begin()
    caught.ended.clear()
    caught.at(("certhalld", place, 1), lambda pid: action(pid))


def done():
    tap.check(caught.ended.wait(20), "the service never came there")
    tap.equal(caught.errors, [])


@tap.test("A certificate that is signed while the money goes back is revoked at once")
def _():
    cert = office.cert()
    token = office.login(cert)
    number = office.paid_order(cert, token)
    office.staff("refund", "ask", "--by", "Wang", "--reason", "x", number)
    at("signed", lambda pid: office.staff("refund", "approve", "--by", "Li", number) and None)
    office.request_cert(cert, office.key(), number, token).refused("order-state", 409)
    done()
    office.wait_state(number, "refunded")
    tap.equal(office.sql("SELECT c.reason FROM audit a JOIN certificate c ON substr(c.fingerprint, 1, 16) = substr(a.details, instr(a.details, 'fingerprint=') + 12, 16)"
                         " WHERE a.action = 'certificate.issued' AND a.subject = ?", number), [(9,)])
    books.check(office)


@tap.test("Paid in the moment between the bank's closing and ours: the order is paid")
def _():
    _, token, number, bill = office.paying()

    def pay(pid):
        office.bank_pays(bill, late=True)
        office.wait_state(number, "paid")

    at("bill-closed", pay)
    tap.equal(office.post(f"/v1/orders/{number}/cancel", token=token).good()["state"], "paid")
    done()
    books.check(office)


@tap.test("A notification and a question that learn of one payment at once make one payment")
def _():
    _, token, number, bill = office.paying()
    other = office.another()
    at("paid-learned", lambda pid: other.post(f"/v1/orders/{number}/payment/query", token=token).good() and None)
    office.bank_pays(bill)
    done()
    office.wait_state(number, "paid")
    tap.equal(office.sql("SELECT count(*) FROM payment WHERE number = ?", number), [(1,)])
    books.check(office)


@tap.test("Killed when the bank has given back and nobody has written it down: it is given back once")
def _():
    _, token, number, bill = office.paying()
    office.post(f"/v1/orders/{number}/cancel", token=token).good()
    office.order(token)
    at("refund-asked", lambda pid: os.kill(pid, signal.SIGKILL))
    office.bank_pays(bill, late=True)
    done()
    tap.equal(office.processes["hall"].wait(30), -signal.SIGKILL)
    tap.equal(office.sql("SELECT state FROM refund WHERE number = ?", number), [(0,)])
    office.start()
    office.wait_state(number, "refunded")
    tap.equal(len([r for r in books.ledger_of(office)["refunds"] if r["bill_no"] == bill]), 1)
    books.check(office)


def again_after_the_end():
    done()
    tap.equal(office.processes["hall"].wait(30), 0)
    office.start()


def renewal(place):
    """The service is told to end while it is at the place; what it was asked for is answered all the same."""
    at(place, lambda pid: os.kill(pid, signal.SIGTERM))
    cert = office.cert()
    token = office.login(cert)
    number = office.order(token)["number"]
    tap.equal(office.post(f"/v1/orders/{number}/payment", token=token).good()["state"], "paying")
    if caught.ended.is_set():
        again_after_the_end()
    office.bank_pays(office.bill_of(number))
    office.wait_state(number, "paid")
    if place == "paid-learned":
        wait(lambda: [n for n in books.ledger_of(office)["notifications"] if n["bill_no"] == office.bill_of(number) and n["answer"] == "SUCCESS"], "its answer")
        again_after_the_end()
    key = office.key()
    order = office.request_cert(cert, key, number, token).good()
    tap.equal(order["state"], "issued")
    if place in ("plan-stored", "signed", "certificate-stored"):
        again_after_the_end()
    tap.equal(office.report_installed(key, number, base64.b64decode(order["items"][0]["certificate"]), token).good()["state"], "installed")
    if place == "installed-stored":
        again_after_the_end()


for place in ("bill-intent-stored", "bill-created", "paid-learned", "plan-stored", "signed", "certificate-stored", "installed-stored"):
    @tap.test(f"Told to end at {place}: it finishes that, ends with 0, and the renewal goes on")
    def _(place=place):
        renewal(place)
        done()


def killed_at(place, *command):
    """The command is killed at that place."""
    at(place, lambda pid: os.kill(pid, signal.SIGKILL))
    done = subprocess.run([tap.built("certhalld"), command[0], "--config", f"{office.dir}/hall.conf", *command[1:]], env=office.hall_env, capture_output=True)
    tap.equal(done.returncode, -signal.SIGKILL, done.stderr)


@tap.test("Killed anywhere in a backup or in restoring one, the database is the old one or the new one, and the command works again")
def _():
    path = f"{office.dir}/races.backup"
    killed_at("database-copied", "backup", path)
    tap.check(not os.path.exists(path), "half a backup")
    office.certhalld("backup", path)
    office.renewed()
    office.stop()
    for place, last in (("database-copied", "order.installed"), ("database-settled", "order.installed"), ("database-aside", "order.installed"), ("database-replaced", "restore")):
        killed_at(place, "restore", path)
        tap.equal(office.staff("audit", "verify").returncode, 0)
        books.check(office, settled=False, ledger=False)
        tap.equal(office.sql("SELECT action FROM audit WHERE action NOT LIKE 'invoice.%' ORDER BY seq DESC LIMIT 1"), [(last,)], place)
    office.certhalld("restore", path)
    office.start()
    office.renewed()


@tap.test("The log is whole after all of it")
def _():
    tap.equal(office.staff("audit", "verify").returncode, 0)
    tap.equal(office.stop(), 0)


tap.run()
