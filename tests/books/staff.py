"""What staff work with: the audit log, refunds by two people, and a day's statement beside the books."""
import base64
import hashlib
import os
import re
import sys
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../service"))
import books
from forged import Forged
from office import Office, wait
import tap

PRICE = 36000
office = Office(more='audit = { node = "hall-a"; head_file = "@/head"; };')


def china(moment=None):
    """Date and time as the bank says them."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime((time.time() if moment is None else moment) + 8 * 3600))


TODAY = china()[:10]
MIDNIGHT = int(time.time() + 8 * 3600) // 86400 * 86400 - 8 * 3600


numbers = {}


@tap.test("The head file is where the configuration says")
def _():
    # the folder is not known before the office is made
    with open(f"{office.dir}/hall.conf", encoding="utf-8") as file:
        text = file.read()
    office.write("hall.conf", text.replace("@/head", f"{office.dir}/head"))
    office.restart()
    numbers["installed"] = office.renewed()
    wait(lambda: os.path.exists(f"{office.dir}/head"), "the head file")
    tap.equal(os.stat(f"{office.dir}/head").st_mode & 0o777, 0o600)


def verify(config=None, *arguments):
    done = office.staff("audit", "verify", *arguments, config=config, check=False)
    return done.returncode, done.stdout + done.stderr


@tap.test("The audit log tells a whole renewal: who did what, in its order, and nothing personal")
def _():
    text = office.staff("audit", "list", "--order", numbers["installed"]).stdout
    told = [line.split() for line in text.splitlines()]
    actions = [next(word for word in words if re.fullmatch(r"(order|bill|payment|certificate)\.[a-z-]+", word)) for words in told]
    tap.equal([a for a in actions if a != "bill.pay-simulated"],
              ["order.created", "bill.asked", "bill.open", "order.paying", "payment.learned", "order.paid", "certificate.planned", "order.paid",
               "certificate.issued", "order.issued", "certificate.installed", "order.installed"])
    tap.contains(text, "holder ")
    tap.contains(text, "bank ")
    tap.contains(text, "staff ")
    tap.contains(text, "way=query")
    for personal in ("测试人", "13800000000", "91110000MA"):
        tap.check(personal not in text, personal)
    tap.contains(office.staff("audit", "list").stdout, "certificate.revoked")


@tap.test("It is whole, and is told so")
def _():
    status, text = verify()
    tap.equal(status, 0, text)
    tap.contains(text, "whole")
    tap.contains(text, str(office.sql("SELECT seq FROM audit_head WHERE node = 'hall-a'")[0][0]))
    books.check(office)


def broken(statements, said, row=None):
    status, text = verify(Forged(office, *statements).config)
    tap.equal(status, 1, text)
    tap.contains(text, said)
    if row is not None:
        tap.contains(text, f"row {row}:")


@tap.test("A row that was changed, taken out, put in or cut off is told of, the first one")
def _():
    for column, value in (("actor", "'nobody'"), ("at", "at + 1"), ("action", "'x'"), ("subject", "''"), ("details", "details || ' '")):
        broken([f"UPDATE audit SET {column} = {value} WHERE seq = 5"], "changed", 5)
    broken(["DELETE FROM audit WHERE seq = 7"], "missing", 7)
    last = office.sql("SELECT max(seq) FROM audit")[0][0]
    broken([f"DELETE FROM audit WHERE seq = {last}"], "missing")
    broken([f"INSERT INTO audit SELECT node, seq + 1, at, actor, action, subject, details, hash FROM audit WHERE seq = {last}"], "changed", last + 1)
    broken(["DELETE FROM audit"], "missing", 1)
    broken(["UPDATE audit SET seq = seq + 1000 WHERE seq > 9", "UPDATE audit_head SET seq = seq + 1000"], "missing", 10)


@tap.test("A log that was written anew from some row on, head and all, is told of by the signed head")
def _():
    wait(lambda: open(f"{office.dir}/head").read().split("\n")[2] == str(office.sql("SELECT seq FROM audit_head")[0][0]), "the head file to be of now")
    rows = [list(row) for row in office.sql("SELECT node, seq, at, actor, action, subject, details FROM audit ORDER BY seq")]
    rows[3][3] = "holder somebody-else"
    digest, statements = "", []
    for row in rows:
        text = b"".join(b"%d:%s," % (len(str(f).encode()), str(f).encode()) for f in row + [digest])
        digest = hashlib.sha256(text).hexdigest()
        statements.append(f"UPDATE audit SET actor = '{row[3]}', hash = '{digest}' WHERE seq = {row[1]}")
    forged = Forged(office, *statements, f"UPDATE audit_head SET hash = '{digest}'")
    status, text = verify(forged.config)
    tap.equal(status, 1, text)
    tap.contains(text, "signed head")
    with open(f"{office.dir}/head") as file:
        head = file.read()
    with open(f"{office.dir}/other-head", "w") as file:
        file.write(head.replace(head.split("\n")[3], digest))
    status, text = verify(forged.config, "--head", f"{office.dir}/other-head")
    tap.equal(status, 1, "a head with a signature that is not over it")


@tap.test("A refund wants two people, and the gateway hears of it only then")
def _():
    number = office.renewed("issued")
    tap.equal(office.staff("refund", "ask", "--by", "  ", "--reason", "x", number, check=False).returncode, 1, "without a name")
    text = office.staff("refund", "ask", "--by", "Émile", "--reason", "客户 13800000000 要求 a@b.cn", number).stdout
    tap.contains(text, "second person")
    tap.equal(office.staff("refund", "ask", "--by", "Li", "--reason", "x", number, check=False).returncode, 1, "asked for twice")
    for same in ("Émile", "émile ", " É\u200bmile", "E\u0301MILE", "É mile", "Ém\u3000ｉｌｅ", "émile."):
        done = office.staff("refund", "approve", "--by", same, number, check=False)
        tap.equal(done.returncode, 1, same)
        tap.contains(done.stderr, "another person")
    tap.equal(office.state_of(number), "issued")
    tap.equal([r for r in books.ledger_of(office)["refunds"] if number in r["bill_no"]], [])
    os.environ["SUDO_USER"] = "ce\x1bshi"
    office.staff("refund", "approve", "--by", "Li", number)
    del os.environ["SUDO_USER"]
    office.wait_state(number, "refunded")
    tap.equal(office.sql("SELECT c.reason FROM order_item i JOIN certificate c ON c.fingerprint = i.new_fingerprint WHERE i.number = ?", number), [(9,)])
    text = office.staff("audit", "list", "--order", number).stdout
    tap.contains(text, "staff Émile")
    tap.contains(text, "sudo ceshi)")
    tap.contains(text, "staff Li")
    for personal in ("13800000000", "a@b.cn"):
        tap.check(personal not in text, personal)
    tap.contains(office.staff("refund", "list").stdout, "Émile/Li")
    books.check(office)


@tap.test("Nothing goes back for a certificate that is installed, nor for what nobody paid")
def _():
    for number in (numbers["installed"], office.renewed("created"), "AZT000000XXXXX"):
        done = office.staff("refund", "ask", "--by", "Wang", "--reason", "x", number, check=False)
        tap.equal(done.returncode, 1, number)
        tap.contains(done.stderr, f"That cannot be done with {number}")
    tap.equal(office.staff("refund", "approve", "--by", "Li", numbers["installed"], check=False).returncode, 1)


@tap.test("While the refund is asked for the person may still be quicker: then it is not approved")
def _():
    cert = office.cert()
    token = office.login(cert)
    number = office.paid_order(cert, token)
    office.staff("refund", "ask", "--by", "Wang", "--reason", "x", number)
    key = office.key()
    der = base64.b64decode(office.request_cert(cert, key, number, token).good()["items"][0]["certificate"])
    office.report_installed(key, number, der, token).good()
    tap.equal(office.staff("refund", "approve", "--by", "Li", number, check=False).returncode, 1)
    tap.equal(office.state_of(number), "installed")
    books.check(office)


@tap.test("Once it is approved nothing more is issued or installed")
def _():
    cert = office.cert()
    token = office.login(cert)
    number = office.paid_order(cert, token)
    key = office.key()
    der = base64.b64decode(office.request_cert(cert, key, number, token).good()["items"][0]["certificate"])
    office.staff("refund", "ask", "--by", "Wang", "--reason", "x", number)
    office.staff("refund", "approve", "--by", "Li", number)
    office.report_installed(key, number, der, token).refused("order-state", 409)
    office.request_cert(cert, office.key(), number, token).refused("order-state", 409)
    office.wait_state(number, "refunded")
    office.try_login(cert).good(201)
    books.check(office)


# ---- the day's statement ----

def reconcile(*arguments, date=TODAY, check=None):
    done = office.certhalld("reconcile", "--date", date, *arguments, check=False)
    if check is not None:
        tap.equal(done.returncode, check, done.stdout + done.stderr)
    return done.stdout + done.stderr


def statement(date=TODAY):
    with urllib.request.urlopen(f"http://127.0.0.1:{office.bank_port}/control/statement?id={date}") as answer:
        return answer.read().decode()


@tap.test("A day of which bank and books tell the same has no differences")
def _():
    text = reconcile(check=0)
    tap.contains(text, "Statement:")
    office.write("day.csv", statement())
    reconcile("--statement", f"{office.dir}/day.csv", check=0)


@tap.test("A payment that nobody told of is found, and with --ask it does what it should have done")
def _():
    _, token, number, bill = office.paying()
    office.faults(drop_notify=1)
    office.bank_pays(bill)
    text = reconcile(check=1)
    tap.contains(text, "only at the bank")
    tap.contains(text, bill)
    tap.contains(reconcile("--ask", check=1), "gateway was asked")
    tap.equal(office.state_of(number), "paid")
    office.faults(drop_notify=1)
    office.bank_pays(bill, again=True)
    tap.contains(reconcile("--ask", check=1), bill)
    wait(lambda: office.sql("SELECT state FROM refund WHERE number = ?", number) == [(1,)], "the second payment to go back")
    reconcile(check=0)


def edited(change):
    """A statement with something changed in it, its sums made to fit."""
    lines = statement().splitlines()
    rows = change([line.split(",") for line in lines[2:-1]])
    sums = {kind: [row for row in rows if row[0] == kind] for kind in ("payment", "refund")}
    total = [str(n) for kind in ("payment", "refund") for n in (len(sums[kind]), sum(int(row[4]) for row in sums[kind]))]
    office.write("edited.csv", "\n".join(lines[:2] + [",".join(row) for row in rows] + [",".join(["total"] + total)]) + "\n")
    return reconcile("--statement", f"{office.dir}/edited.csv")


@tap.test("What only the books have, another amount, and a refund on one side are told with their sums")
def _():
    first = statement().splitlines()[2].split(",")[1]
    text = edited(lambda rows: rows[1:])
    tap.contains(text, "only in the books" if not near_midnight() else "at the date line")
    tap.contains(text, first)

    def less(rows):
        rows[0][4] = "35999"
        return rows
    text = edited(less)
    tap.contains(text, "amount differs")
    tap.contains(text, "359.99")
    text = edited(lambda rows: [row for row in rows if row[0] == "payment"])
    tap.contains(text, "refund on one side" if not near_midnight() else "at the date line")

    def more(rows):
        return rows + [["refund", first, "", first + "R7", "36000", china()]]
    tap.contains(edited(more), "refund on one side: 1, ￥360.00")


def near_midnight():
    return min((time.time() + 8 * 3600) % 86400, -(time.time() + 8 * 3600) % 86400) < 1800


@tap.test("A payment about midnight may stand on either day's statement; one of another week may not")
def _():
    _, token, number, bill = office.paying()
    office.bank_pays(bill, at=china(MIDNIGHT - 2))
    office.wait_state(number, "paid")
    yesterday = china(MIDNIGHT - 2)[:10]
    reconcile(date=yesterday, check=0)
    office.sql("UPDATE payment SET paid_at = ? WHERE number = ?", MIDNIGHT + 1, number)
    tap.contains(reconcile(date=yesterday, check=0), "at the date line")
    tap.contains(reconcile(check=0), "at the date line")
    office.sql("UPDATE payment SET paid_at = ? WHERE number = ?", MIDNIGHT - 7 * 86400, number)
    tap.contains(reconcile(date=yesterday, check=1), "another day")
    office.sql("UPDATE payment SET paid_at = ? WHERE number = ?", MIDNIGHT - 2, number)


@tap.test("A statement that is cut off, of another day, or does not add up is not compared with")
def _():
    whole = statement()
    for text in (whole[:len(whole) // 2], whole.replace(TODAY, "2020-01-01", 1), whole.replace("payment,", "payment,,", 1), "", whole.replace(",36000,", ",36001,", 1)):
        office.write("bad.csv", text)
        tap.contains(reconcile("--statement", f"{office.dir}/bad.csv", check=1), "statement")
    reconcile(date="tomorrow", check=1)


@tap.test("The log is whole after all of it, and the service ends cleanly")
def _():
    tap.equal(verify()[0], 0)
    books.check(office)
    tap.equal(office.stop(), 0)


tap.run()
