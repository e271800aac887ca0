"""The books' checker itself: whole renewals leave nothing to say; each thing put wrong is told."""
import base64
import os
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../service"))
import books
from forged import Forged
from office import Office, wait
import tap

SELLER = 'seller = { name = "测试数字证书认证中心（样票）"; tax_no = "91140000MA0000000X"; }'
office = Office(more=f'invoice = {{ backend = "embedded"; rate = 600; item = "*信息技术服务*数字证书服务费"; drawer = "测试员"; {SELLER}; }};')


def refunded():
    """Paid after it was cancelled and another order was made."""
    cert, token, number, bill = office.paying()
    office.post(f"/v1/orders/{number}/cancel", token=token).good()
    office.order(token)
    office.bank_pays(bill, late=True)
    office.wait_state(number, "refunded")
    return number


numbers = {}


@tap.test("After renewals that ended in every state the books hold, and the money is where it should be")
def _():
    for end in ("created", "cancelled", "paid", "issued", "installed"):
        numbers[end] = office.renewed(end)
    numbers["refunded"] = refunded()
    wait(lambda: office.sql("SELECT state FROM invoice") == [(1,)], "the invoice")
    tap.equal(books.check(office), {"in": 4 * 36000, "issued": 2 * 36000, "refunded": 36000, "pending": 36000, "held": 0})


# Nothing forbids two of an order.
LOOSE = ["CREATE TABLE loose (id TEXT PRIMARY KEY, number, state, due, tries, reason, invoice_no, created, issued, amount_fen, title, title_key, tax_no, phone, contact)",
         "INSERT INTO loose SELECT * FROM invoice", "DROP TABLE invoice", "ALTER TABLE loose RENAME TO invoice"]

WRONG = {
    "an event that is gone": (["DELETE FROM event WHERE subject = ? AND seq = 2"], "events of"),
    "a state that no event tells": (["UPDATE orders SET state = 3 WHERE number = ?"], "its last event says"),
    "an order that is open and not bound": (["DELETE FROM open_item"], "not bound"),
    "a deadline long passed": (["UPDATE orders SET expires = expires - 90000 WHERE state = 0"], "after its deadline"),
    "an order whose certificate is not installed": (["UPDATE order_item SET state = 2 WHERE number = ?"], "not all its certificates"),
    "a certificate for an unpaid order": (["UPDATE orders SET state = 1 WHERE state = 3"], "unpaid, and a certificate"),
    "a certificate for another key": (["UPDATE order_item SET spki_sha256 = 'ab' WHERE number = ?"], "another key"),
    "an old certificate that nothing replaced": (["UPDATE certificate SET replaced_by = NULL"], "not replaced"),
    "a payment that is gone": (["DELETE FROM payment WHERE number = ?"], "by 0 payments"),
    "a payment of another amount": (["UPDATE payment SET amount_fen = amount_fen - 1 WHERE number = ?"], "another amount"),
    "a payment the bank knows nothing of": (["UPDATE payment SET gateway_transaction = 'SIMNONE', gateway_sequence = 'SIMNONE' WHERE number = ?"], "the bank does not know of"),
    "a refund that is gone": (["DELETE FROM refund"], "refund"),
    "a refund of less": (["UPDATE refund SET amount_fen = 1"], "not what was paid"),
    "a second live certificate": (["UPDATE certificate SET revoked_at = NULL", "UPDATE audit SET subject = ? WHERE action = 'certificate.issued'"], "live certificates"),
    "a row of the audit log that was changed": (["UPDATE audit SET actor = 'nobody' WHERE seq = 5"], "the hash does not fit"),
    "a row of it that is gone": (["DELETE FROM audit WHERE seq = 7"], "8 follows 6"),
    "an end of it that was cut off": (["DELETE FROM audit WHERE seq > 20"], "the head remembers"),
    "a payment that was dismissed by nobody": (["UPDATE payment SET state = 2 WHERE number = ?"], "nobody said so"),
    "a payment that was dismissed and is still at the bank": (["UPDATE payment SET state = 2 WHERE number = ?",
        "INSERT INTO verdict SELECT bill_no, nth, number, 1, '', 0, 'a', 'b' FROM payment WHERE state = 2"], "has not given it back"),
    "a payment that one person counted": (["INSERT INTO verdict SELECT bill_no, nth, number, 0, '', 0, 'a', 'A ' FROM payment WHERE number = ?"], "alone"),
    "a second invoice of an order": ([*LOOSE, "INSERT INTO invoice SELECT 'b', number, 0, due, 0, '', NULL, created, 0, amount_fen, title, title_key, tax_no, phone, contact"
        " FROM invoice WHERE number = ?"], "has 2 invoices"),
    "a second issued invoice of an order": ([*LOOSE, "INSERT INTO invoice SELECT 'b', number, 1, due, 0, '', substr(invoice_no, 1, 19) || '2', created, issued, amount_fen,"
        " title, title_key, tax_no, phone, contact FROM invoice WHERE number = ?"], "1 invoice numbers were taken, these are there: [1, 2]"),
    "an invoice number that is gone": (["UPDATE counter SET last = last + 1 WHERE name = 'invoice'"], "2 invoice numbers were taken, these are there: [1]"),
    "an invoice with another hash": (["UPDATE invoice_file SET sha256 = substr(sha256, 2) || substr(sha256, 1, 1) WHERE format = 'pdf'"], "pdf is not what its hash says"),
    "an invoice with another content": (["UPDATE invoice_file SET content = CAST(replace(content, '36', '63') AS BLOB) WHERE format = 'xml'"], "xml is not what its hash says"),
    "an invoice with another number": (["UPDATE invoice SET invoice_no = substr(invoice_no, 1, 4) || '8' || substr(invoice_no, 6)"], "has another number"),
    "an invoice without its document": (["DELETE FROM invoice_file WHERE format = 'pdf'"], "issued with the documents ['xml']"),
    "an invoice that was issued twice": (["INSERT INTO audit SELECT node, 9999, at, actor, action, subject, details, hash FROM audit WHERE action = 'invoice.issued'"], "is told as"),
    "money that is nowhere": (["UPDATE orders SET state = 5 WHERE state = 2"], "nowhere"),
}

for name, (statements, said) in WRONG.items():
    @tap.test(f"It tells of {name}")
    def _(statements=statements, said=said):
        try:
            books.check(Forged(office, *statements, numbers=[numbers["installed"]]))
        except books.Broken as broken:
            tap.contains(str(broken), said)
        else:
            raise AssertionError("nothing was told")


@tap.test("It tells of a damaged file")
def _():
    forged = Forged(office)
    with open(f"{forged.dir}/hall.db", "r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\xff" * 4096 * 4)
    try:
        books.check(forged)
    except (books.Broken, sqlite3.DatabaseError):
        return
    raise AssertionError("nothing was told")


tap.run()
