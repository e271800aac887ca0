"""Reads a hall's database, the bank simulator's ledger and, if wanted, the key, and says what must always hold of them.

It shares no code with the service: it knows the tables and what they mean, nothing else.

    books.check(hall)                       # lib/hall.py's Hall or service/office.py's Office; raises Broken
    books.check(hall, token=hall)           # and nothing of ours is left on that key (pkcs11-tool)
    books.check(hall, settled=False)        # in the middle of things: what is under way may still be under way

Or alone: books.py --database FILE [--ledger FILE] [--unsettled]; FILE as /control/ledger gives it.
"""
import argparse
import hashlib
import json
import os
import re
import sqlite3
import sys
import time
import urllib.request

CREATED, PAYING, PAID, ISSUED, INSTALLED, CANCELLED, REFUNDING, REFUNDED = range(8)
STATES = ["created", "paying", "paid", "issued", "installed", "cancelled", "refunding", "refunded"]
COUNTED, HELD, DISMISSED = range(3)                 # payment.state
ASKED, DONE, FAILED, WAITS_FOR_SECOND, WITHDRAWN = range(5)  # refund.state
INVOICE_ISSUED = 1                                  # invoice.state
GRACE = 60  # seconds an order may stand past its deadline: the sweep comes round, the gateway is slow


class Broken(AssertionError):
    """What does not hold, one a line."""


class Books:
    """ledger: what the bank says, or None: nothing is compared with it."""

    def __init__(self, database, ledger=None, settled=True, now=None):
        self.settled, self.now = settled, time.time() if now is None else now
        self.faults, self.sums = [], dict.fromkeys(("in", "issued", "refunded", "pending", "held"), 0)
        # The ledger first: what the hall has learned since is no fault of the books, what the bank has taken since would seem so.
        self.ledger = ledger() if callable(ledger) else ledger
        self.db = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
        self.db.row_factory = sqlite3.Row
        self.db.execute("BEGIN") # one moment of it all
        self.tables = {row["name"] for row in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def rows(self, table, order="1"):
        return [dict(row) for row in self.db.execute(f"SELECT * FROM {table} ORDER BY {order}")] if table in self.tables else []

    def fault(self, text):
        self.faults.append(text)

    def hold(self, condition, text):
        if not condition:
            self.fault(text)

    def all(self):
        self.load()
        self.check_file()
        self.check_events()
        self.check_orders()
        self.check_certificates()
        self.check_money()
        self.check_refunds()
        self.check_verdicts()
        if self.ledger is not None:
            self.check_bank()
        self.check_invoices()
        self.check_audit()
        self.db.close()
        return self.sums

    def load(self):
        self.orders = {row["number"]: row for row in self.rows("orders")}
        self.items, self.payments, self.refunds, self.bills = self.rows("order_item"), self.rows("payment"), self.rows("refund"), self.rows("bill")
        self.certificates = {row["fingerprint"]: row for row in self.rows("certificate")}
        self.audit_rows = self.rows("audit", "node, seq")
        self.open = {}
        for row in self.rows("open_item"):
            self.open.setdefault(row["number"], []).append(row["old_fingerprint"])
        for row in self.payments:
            row.setdefault("nth", 1)
            row.setdefault("state", COUNTED)
        for row in self.refunds:
            row.setdefault("nth", 1)

    def payments_of(self, number, state=COUNTED):
        return [p for p in self.payments if p["number"] == number and p["state"] == state]

    def refund_of(self, payment):
        """The refund of a payment that is not refused or withdrawn: done, under way or waiting for its second person."""
        return next((r for r in self.refunds if (r["bill_no"], r["nth"]) == (payment["bill_no"], payment["nth"]) and r["state"] not in (FAILED, WITHDRAWN)), None)

    def kept(self, number):
        """Payments of an order that were counted and not given back (nor on the way)."""
        return [p for p in self.payments_of(number) if (self.refund_of(p) or {"state": WAITS_FOR_SECOND})["state"] == WAITS_FOR_SECOND]

    # ---- one invariant each ----

    def check_file(self):
        said = [row[0] for row in self.db.execute("PRAGMA integrity_check")]
        self.hold(said == ["ok"], f"the database is damaged: {said[:3]}")
        self.hold(not self.db.execute("PRAGMA foreign_key_check").fetchall(), "a row refers to one that is not there")

    def check_events(self):
        last = {}
        for row in self.rows("event", "subject, seq"):
            wanted = last.get(row["subject"], (0, ""))[0] + 1
            self.hold(row["seq"] == wanted, f"events of {row['subject']}: {row['seq']} where {wanted} should be")
            last[row["subject"]] = (row["seq"], row["body"])
        for number, order in self.orders.items():
            seq, body = last.get(number, (0, "{}"))
            self.hold(seq == order["revision"], f"{number}: revision {order['revision']}, but {seq} events")
            self.hold(json.loads(body).get("state") == STATES[order["state"]], f"{number} is {STATES[order['state']]}, its last event says {body}")

    def check_orders(self):
        for number, order in self.orders.items():
            state, is_open = order["state"], number in self.open
            self.hold(is_open == (state in (CREATED, PAYING, PAID, ISSUED)), f"{number} is {STATES[state]} and its certificates are {'' if is_open else 'not '}bound to it")
            if state in (CREATED, PAYING) and self.settled:
                self.hold(order["expires"] + GRACE > self.now, f"{number} is {STATES[state]} {int(self.now - order['expires'])} s after its deadline")
            if state in (PAID, ISSUED, INSTALLED):
                kept = self.kept(number)
                self.hold(len(kept) == 1, f"{number} is {STATES[state]} by {len(kept)} payments")
                self.hold(sum(p["amount_fen"] for p in kept) == order["amount_fen"] * len(kept), f"{number} is {STATES[state]} by another amount than its price")
            else:
                failed = state == REFUNDING and any(r["number"] == number and r["state"] == FAILED for r in self.refunds)
                self.hold(failed or not self.kept(number), f"{number} is {STATES[state]}, and money for it is counted and not given back")
            if state == REFUNDING:
                self.hold(any(r["number"] == number and r["state"] in (ASKED, FAILED) for r in self.refunds), f"{number} is refunding and there is no refund of it")
            if state == REFUNDED:
                self.hold(any(r["number"] == number and r["state"] == DONE for r in self.refunds), f"{number} is refunded and no refund of it is done")

    def certificates_of(self, number):
        """Everything that was issued for an order: what stands in it now, and by the audit log what a new key pair has replaced."""
        found = {i["new_fingerprint"] for i in self.items if i["number"] == number and i["new_fingerprint"]}
        for row in self.audit_rows:
            if row["action"] == "certificate.issued" and row["subject"] == number:
                begin = re.search(r"fingerprint=([0-9a-f]+)", row["details"])
                found |= {f for f in self.certificates if begin and f.startswith(begin.group(1))}
        return found

    def check_certificates(self):
        roles = {}
        for item in self.items:
            roles.setdefault(item["number"], []).append(item)
        for number, order in self.orders.items():
            certificates = self.certificates_of(number)
            live = [f for f in certificates if self.certificates[f]["revoked_at"] is None]
            self.hold(len(live) <= len(roles.get(number, [])), f"{number} has {len(live)} live certificates")
            if order["state"] not in (PAID, ISSUED, INSTALLED):
                self.hold(not live, f"{number} is {STATES[order['state']]} and a certificate of it is live")
                self.hold(order["state"] in (REFUNDING, REFUNDED) or not certificates, f"{number} is {STATES[order['state']]}, unpaid, and a certificate of it was issued")
            for item in roles.get(number, []):
                new = self.certificates.get(item["new_fingerprint"])
                self.hold(item["state"] < 2 or new is not None, f"{number} {item['role']}: issued without a certificate")
                self.hold(new is None or new["spki_sha256"] == item["spki_sha256"], f"{number} {item['role']}: a certificate for another key")
                if order["state"] == INSTALLED:
                    self.hold(self.certificates[item["old_fingerprint"]]["replaced_by"] == item["new_fingerprint"], f"{number}: the old certificate is not replaced by the new one")
            wanted = {ISSUED: 2, INSTALLED: 3}.get(order["state"], 0)
            self.hold(all(i["state"] >= wanted for i in roles.get(number, [])), f"{number} is {STATES[order['state']]} and not all its certificates are")

    def check_money(self):
        """Every fen that came in is in one place."""
        for payment in self.payments:
            amount, order, refund = payment["amount_fen"], self.orders[payment["number"]], self.refund_of(payment)
            self.sums["in"] += amount
            if refund is not None and refund["state"] == DONE:
                self.sums["refunded"] += amount
            elif payment["state"] == HELD:
                self.sums["held"] += amount
            elif payment["state"] == DISMISSED: # given back at the gateway's own counter
                self.sums["refunded"] += amount
            elif refund is not None and refund["state"] == ASKED:
                self.sums["pending"] += amount
            elif order["state"] in (ISSUED, INSTALLED):
                self.sums["issued"] += amount
            else:
                self.sums["pending"] += amount
                failed = any((r["bill_no"], r["nth"], r["state"]) == (payment["bill_no"], payment["nth"], FAILED) for r in self.refunds)
                self.hold(order["state"] == PAID or failed, f"{payment['bill_no']}: {amount} fen for {order['number']} ({STATES[order['state']]}) are nowhere")
        total = sum(self.sums[place] for place in ("issued", "refunded", "pending", "held"))
        self.hold(total == self.sums["in"], f"{self.sums['in']} fen came in, {total} are accounted for")
        by_bill = {b["bill_no"]: b for b in self.bills}
        for payment in self.payments:
            bill = by_bill[payment["bill_no"]]
            self.hold(bill["number"] == payment["number"], f"{payment['bill_no']}: the bill and its payment name two orders")
            if payment["state"] == COUNTED:
                self.hold(payment["amount_fen"] == bill["amount_fen"], f"{payment['bill_no']}: {payment['amount_fen']} fen are counted for a bill of {bill['amount_fen']}")

    def check_refunds(self):
        for refund in self.refunds:
            name = refund["refund_no"]
            payment = next((p for p in self.payments if (p["bill_no"], p["nth"]) == (refund["bill_no"], refund["nth"])), None)
            self.hold(payment is not None and payment["amount_fen"] == refund["amount_fen"], f"refund {name}: not what was paid")
            twice = [r for r in self.refunds if (r["bill_no"], r["nth"]) == (refund["bill_no"], refund["nth"]) and r["state"] not in (FAILED, WITHDRAWN)]
            self.hold(len(twice) <= 1, f"refund {name}: one payment is given back {len(twice)} times")
            asked, approved = refund.get("asked_by", ""), refund.get("approved_by", "")
            if asked and refund["state"] not in (WAITS_FOR_SECOND, WITHDRAWN):
                self.hold(approved.strip() and approved.strip().casefold() != asked.strip().casefold(), f"refund {name}: asked by {asked}, approved by {approved or 'nobody'}")

    def check_verdicts(self):
        """Two people stand behind whatever was counted or dismissed by hand; what is dismissed has gone back at the bank."""
        verdicts = {(v["bill_no"], v["nth"]): v for v in self.rows("verdict")}
        for (bill, nth), verdict in verdicts.items():
            asked, approved = verdict["asked_by"].strip().casefold(), verdict["approved_by"].strip().casefold()
            self.hold(asked and asked != approved, f"{bill}: judged by {asked or 'nobody'} alone")
        given = {}
        for refund in self.ledger["refunds"] if self.ledger is not None else []:
            given[refund["bill_no"]] = given.get(refund["bill_no"], 0) + refund["amount"]
        for payment in self.payments:
            bill, verdict = payment["bill_no"], verdicts.get((payment["bill_no"], payment["nth"]), {})
            if payment["state"] == DISMISSED:
                self.hold(verdict.get("verdict") == 1 and verdict["approved_by"], f"{bill}: dismissed, and nobody said so")
                self.hold(self.ledger is None or given.get(bill, 0) >= payment["amount_fen"], f"{bill}: dismissed, and the bank has not given it back")

    def check_bank(self):
        """The bank's ledger and the hall's books tell the same."""
        for paid in self.ledger["payments"]:
            ours = [p for p in self.payments if paid["txn"] in (p["gateway_transaction"], p.get("gateway_sequence"))]
            if ours:
                self.hold(ours[0]["state"] == HELD or ours[0]["amount_fen"] == paid["amount"], f"{paid['bill_no']}: the bank has {paid['amount']} fen, the hall {ours[0]['amount_fen']}")
            else:
                self.hold(not self.settled, f"{paid['bill_no']}: the bank has {paid['amount']} fen the hall does not know of")
        taken, paid_bills = ({paid[name] for paid in self.ledger["payments"]} for name in ("txn", "bill_no"))
        for payment in self.payments:
            known = {payment["gateway_transaction"], payment.get("gateway_sequence")} & taken
            self.hold(known or (not payment["gateway_transaction"] and payment["bill_no"] in paid_bills),
                      f"{payment['bill_no']}: the hall has {payment['amount_fen']} fen the bank does not know of")
        given = {r["refund_no"]: r for r in self.ledger["refunds"]}
        ours = {r["refund_no"]: r for r in self.refunds}
        for name, refund in given.items():
            mine = ours.get(name)
            if mine is None and any(p["bill_no"] == refund["bill_no"] and p["state"] == DISMISSED for p in self.payments):
                continue
            self.hold(mine is not None and mine["amount_fen"] == refund["amount"], f"refund {name}: the bank gives back {refund['amount']} fen, the hall knows {mine and mine['amount_fen']}")
            self.hold(mine is None or mine["state"] != WAITS_FOR_SECOND, f"refund {name}: sent before a second person approved it")
        for name, refund in ours.items():
            if refund["state"] == DONE:
                self.hold(name in given and given[name]["settled"], f"refund {name}: done here, not at the bank")
        for bill in self.ledger["bills"]:
            self.hold(any(b["bill_no"] == bill["bill_no"] for b in self.bills), f"the bank has a bill {bill['bill_no']} that the hall never wrote down")

    def check_invoices(self):
        """One an order, and every number that was ever taken is on one of them, issued or still to be."""
        counted, numbers = {}, []
        for row in self.rows("invoice"):
            order = self.orders.get(row["number"], {})
            counted[row["number"]] = counted.get(row["number"], 0) + 1
            self.hold(order.get("state") == INSTALLED, f"{row['number']}: an invoice for an order that is not installed")
            self.hold(order.get("amount_fen") == row["amount_fen"], f"{row['number']}: an invoice of another amount")
            numbers += [row["invoice_no"]] if row["invoice_no"] else []
            self.check_documents(row)
        for number, order in self.orders.items() if "invoice" in self.tables else []:
            wanted = int(order["state"] == INSTALLED)
            self.hold(counted.get(number, 0) == wanted, f"{number} is {STATES[order['state']]} and has {counted.get(number, 0)} invoices")
        taken = sum(row["last"] for row in self.rows("counter") if row["name"] == "invoice")
        sequences = sorted(int(number[5:]) for number in numbers) # year, province, kind, sequence
        self.hold(sequences == list(range(1, taken + 1)), f"{taken} invoice numbers were taken, these are there: {sequences}")

    def check_documents(self, invoice):
        """An issued one has a number, both its documents as their hashes say, and one row of the audit log; another has none of it."""
        name, number, issued = invoice["number"], invoice["invoice_no"], invoice["state"] == INVOICE_ISSUED
        files = {row["format"]: row for row in self.db.execute("SELECT * FROM invoice_file WHERE id = ?", [invoice["id"]])}
        self.hold(sorted(files) == (["pdf", "xml"] if issued else []), f"{name}: an invoice {'' if issued else 'not '}issued with the documents {sorted(files)}")
        self.hold(number or not issued, f"{name}: an invoice issued without a number")
        for kind, row in files.items():
            content = bytes(row["content"])
            self.hold(row["size"] == len(content) and row["sha256"] == hashlib.sha256(content).hexdigest(), f"{name}: the invoice's {kind} is not what its hash says")
        self.hold("xml" not in files or number is None or number.encode() in bytes(files["xml"]["content"]), f"{name}: the invoice's xml has another number")
        told = [row["details"].split() for row in self.audit_rows if (row["action"], row["subject"]) == ("invoice.issued", name)]
        self.hold(not self.audit_rows or told == [[f"number={number}"]] * issued, f"audit: the invoice of {name} is told as {told}")

    def check_audit(self):
        """The chain as docs/operations.md describes it."""
        if "audit" not in self.tables:
            return
        heads = {row["node"]: row for row in self.rows("audit_head")}
        last = {}
        for row in self.audit_rows:
            seq, digest = last.get(row["node"], (0, ""))
            fields = [row["node"], str(row["seq"]), str(row["at"]), row["actor"], row["action"], row["subject"], row["details"], digest]
            text = b"".join(b"%d:%s," % (len(f.encode()), f.encode()) for f in fields)
            self.hold(row["seq"] == seq + 1, f"audit {row['node']}: {row['seq']} follows {seq}")
            self.hold(row["hash"] == hashlib.sha256(text).hexdigest(), f"audit {row['node']} {row['seq']}: the hash does not fit")
            last[row["node"]] = (row["seq"], row["hash"])
        for node in heads.keys() | last.keys():
            head = heads.get(node)
            self.hold(head is not None and (head["seq"], head["hash"]) == last.get(node), f"audit {node}: the head remembers {head and head['seq']}, the last row is {last.get(node, (0,))[0]}")
        moved = {}
        for row in self.audit_rows:
            if row["action"].startswith("order."):
                moved.setdefault(row["subject"], []).append(row)
        for row in self.rows("event", "subject, seq") if self.audit_rows else []:
            if row["subject"] in self.orders:
                self.hold(any(f"revision={row['seq']}" in a["details"].split() for a in moved.get(row["subject"], [])), f"audit: {row['subject']} revision {row['seq']} is not told")


def key_id(number, role):
    """The CKA_ID of an order's new key (docs/design.md)."""
    return hashlib.sha256(f"certhall:{number}:{role}".encode()).hexdigest()[:40]


def check_token(token, books):
    """token: has key_ids(kind) (lib/hall.py). Of ours there is a pair of key and certificate for each finished order that has left
    something there, nothing for those that came to nothing, and for open ones whatever the interruption left."""
    keys, certificates = ({i.lower() for i in token.key_ids(kind)} for kind in ("privkey", "cert"))
    faults = []
    for item in books.items:
        order, mine = books.orders[item["number"]], key_id(item["number"], item["role"])
        has = (mine in keys, mine in certificates)
        if order["state"] == INSTALLED and any(has) and not all(has):
            faults.append(f"{item['number']} {item['role']}: the key has {'a key without its certificate' if has[0] else 'a certificate without its key'}")
        if order["state"] in (CANCELLED, REFUNDING, REFUNDED) and any(has):
            faults.append(f"{item['number']} {item['role']}: {STATES[order['state']]}, and something of it is on the key")
    return faults


def database_of(hall):
    for name in ("certhalld.conf", "hall.conf"):
        path = os.path.join(hall.dir, name)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return re.search(r'^\s*database\s*=\s*"([^"]*)"', file.read(), re.M).group(1)
    raise FileNotFoundError(f"no configuration in {hall.dir}")


def ledger_of(hall):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{hall.bank_port}/control/ledger") as answer:
        return json.load(answer)


def check(hall, token=None, settled=True, ledger=True, now=None):
    """Raises Broken, or gives where the money is: {"in": fen, "issued": fen, "refunded": fen, "pending": fen, "held": fen}.

    ledger: True: the bank runs and is asked; False: not compared. now: of the hall's clock, when that is not ours."""
    books = Books(database_of(hall), (lambda: ledger_of(hall)) if ledger else None, settled, now)
    sums = books.all()
    faults = books.faults + (check_token(token, books) if token is not None else [])
    if faults:
        raise Broken("the books do not hold:\n" + "\n".join(faults))
    return sums


def main():
    options = argparse.ArgumentParser(description="Says what does not hold of a hall's books.")
    options.add_argument("--database", required=True)
    options.add_argument("--ledger", help="what /control/ledger of the bank simulator gave")
    options.add_argument("--unsettled", action="store_true", help="things may be under way")
    given = options.parse_args()
    ledger = None
    if given.ledger:
        with open(given.ledger, encoding="utf-8") as file:
            ledger = json.load(file)
    books = Books(given.database, ledger, not given.unsettled)
    sums = books.all()
    print("\n".join(books.faults) or " ".join(f"{name} {fen / 100:.2f}" for name, fen in sums.items()))
    return 1 if books.faults else 0


if __name__ == "__main__":
    sys.exit(main())
