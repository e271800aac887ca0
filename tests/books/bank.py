"""Whatever the bank does, no money is lost, counted twice or forgotten: the books hold after each of these."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../service"))
import books
from office import Office, wait
import tap

PRICE = 36000
office = Office(gateway_ms=2000)


def payments(number):
    return office.sql("SELECT nth, amount_fen, state, held_for FROM payment WHERE number = ? ORDER BY bill_no, nth", number)


def refunds(number):
    return office.sql("SELECT refund_no, amount_fen, state FROM refund WHERE number = ? ORDER BY refund_no", number)


def expire_code(bill):
    office.sql("UPDATE bill SET expires = created - 1 WHERE bill_no = ?", bill)


def query(number, token):
    return office.post(f"/v1/orders/{number}/payment/query", token=token)


@tap.test("Two codes of one order are both paid: one payment is kept, the other given back")
def _():
    _, token, number, first = office.paying()
    expire_code(first)
    office.post(f"/v1/orders/{number}/payment", token=token).good()
    second = office.bill_of(number)
    tap.check(second != first)
    office.bank_pays(second)
    office.wait_state(number, "paid")
    office.bank_pays(first, late=True)
    wait(lambda: [r[1:] for r in refunds(number)] == [(PRICE, 1)], "the refund")
    tap.equal(office.state_of(number), "paid")
    books.check(office)


@tap.test("One code is paid twice: the second payment is given back, however often it is told of")
def _():
    _, token, number, bill = office.paying()
    office.faults(notify_times=3)
    office.bank_pays(bill)
    office.wait_state(number, "paid")
    office.bank_pays(bill, again=True)
    wait(lambda: [r[1:] for r in refunds(number)] == [(PRICE, 1)], "the refund")
    office.faults(notify_times=0)
    tap.equal(payments(number), [(1, PRICE, 0, ""), (2, PRICE, 0, "")])
    tap.equal(office.state_of(number), "paid")
    books.check(office)


@tap.test("Notifications that come in the opposite order, all at once, make the same of it")
def _():
    orders = [office.paying() for _ in range(3)]
    office.faults(hold_notify=-1, notify_reverse=-1)
    for _, _, _, bill in orders:
        office.bank_pays(bill)
    office.bank_pays(orders[0][3], again=True)
    office.faults(hold_notify=0)
    for _, _, number, _ in orders:
        office.wait_state(number, "paid")
    twice = orders[0][2]
    wait(lambda: payments(twice) == [(1, PRICE, 0, ""), (2, PRICE, 1, "unconfirmed")], "the earlier payment, of which the gateway does not tell any more")
    office.faults(notify_reverse=0)
    tap.equal(two_people("accept", number=twice).returncode, 0)
    wait(lambda: [r[1:] for r in refunds(twice)] == [(PRICE, 1)], "the refund")
    tap.equal(office.state_of(twice), "paid")
    books.check(office)


@tap.test("A notification for another merchant, or with a wrong signature, is not taken; the next one is")
def _():
    for fault in ("notify_wrong_merchant", "notify_bad_sign"):
        _, token, number, bill = office.paying()
        office.faults(**{fault: -1})
        office.bank_pays(bill)
        wait(lambda: [n for n in books.ledger_of(office)["notifications"] if n["bill_no"] == bill and n["answer"] == "FAILED"], "its refusal")
        tap.equal(payments(number), [])
        office.faults(**{fault: 0})
        office.wait_state(number, "paid")
    books.check(office)


@tap.test("Less or more than the price is held for staff: not counted, nothing is issued, and nobody is asked to pay again")
def _():
    for amount in (1, PRICE - 1, PRICE + 4000):
        cert, token, number, bill = office.paying()
        office.bank_pays(bill, amount=amount)
        wait(lambda: payments(number) == [(1, amount, 1, "amount")], "the payment")
        query(number, token).refused("payment-held", 409)
        office.post(f"/v1/orders/{number}/payment", token=token).refused("payment-held", 409)
        tap.equal(office.state_of(number), "paying")
        office.request_cert(cert, office.key(), number, token).refused("not-paid", 409)
        tap.contains(office.certhalld("held").stdout, bill)
    office.sql("UPDATE orders SET expires = created - 1 WHERE number = ?", number)
    office.wait_state(number, "cancelled")
    tap.contains(office.certhalld("held").stdout, bill)
    tap.equal(books.check(office)["held"], 1 + PRICE - 1 + PRICE + 4000)
    office.staff("refund", "ask", "--by", "甲", "--reason", "付错金额", number)
    office.staff("refund", "approve", "--by", "乙", number)
    office.wait_state(number, "refunded")
    tap.check(bill not in office.certhalld("held").stdout)
    tap.equal(books.check(office)["held"], PRICE)


@tap.test("After a held payment is given back, the order can be paid as it should have been")
def _():
    _, token, number, bill = office.paying()
    office.bank_pays(bill, amount=5)
    wait(lambda: payments(number) == [(1, 5, 1, "amount")], "the payment")
    office.staff("refund", "ask", "--by", "甲", "--reason", "付错金额", number)
    office.post(f"/v1/orders/{number}/payment", token=token).refused("payment-held", 409)
    office.staff("refund", "approve", "--by", "乙", number)
    wait(lambda: [r[1:] for r in refunds(number)] == [(5, 1)], "the refund")
    tap.equal(office.post(f"/v1/orders/{number}/payment", token=token).good()["state"], "paying")
    tap.check(office.bill_of(number) != bill, "the old code again")
    office.pay_order(number)
    office.wait_state(number, "paid")
    books.check(office)


@tap.test("Given back at the merchant's own counter before anybody told of it: held, and the order ends")
def _():
    _, token, number, bill = office.paying()
    office.faults(drop_notify=1)
    office.bank_pays(bill)
    tap.equal(office.bank_control(bill=bill, do="refund")[0], 200)
    query(number, token).refused("payment-held", 409)
    tap.equal(payments(number), [(1, PRICE, 1, "refunded")])
    tap.equal(office.post(f"/v1/orders/{number}/cancel", token=token).good()["state"], "cancelled")


def two_people(*command, number):
    """The first asks, cannot approve it alone, and another does."""
    office.staff("held", command[0], "--by", "Wang", "--reason", "核对银行流水", number)
    tap.contains(office.certhalld("held").stdout, "Wang")
    for same in ("Wang", " wang", "ＷＡＮＧ"):
        tap.contains(office.staff("held", "approve", "--by", same, number, check=False).stderr, "another person")
    return office.staff("held", "approve", "--by", "Li", number, check=False)


@tap.test("What went back at the gateway's counter is dismissed by two people, not before the gateway says so; then the order is paid as it should be")
def _():
    _, token, number, bill = office.paying()
    office.bank_pays(bill, amount=7)
    wait(lambda: payments(number) == [(1, 7, 1, "amount")], "the payment")
    done = two_people("dismiss", number=number)
    tap.equal(done.returncode, 1)
    tap.contains(done.stderr, "the gateway says: paid")
    tap.equal(payments(number), [(1, 7, 1, "amount")])
    tap.equal(office.staff("refund", "ask", "--by", "甲", "--reason", "x", number, check=False).returncode, 1, "two ways at once")
    tap.equal(office.bank_control(bill=bill, do="refund")[0], 200)
    office.staff("held", "approve", "--by", "Li", number)
    tap.equal(payments(number), [(1, 7, 2, "amount")])
    tap.check(bill not in office.certhalld("held").stdout)
    tap.equal(office.staff("held", "approve", "--by", "Li", number, check=False).returncode, 1, "twice")
    tap.equal(office.staff("refund", "ask", "--by", "甲", "--reason", "x", number, check=False).returncode, 1, "given back twice")
    tap.equal(office.post(f"/v1/orders/{number}/payment", token=token).good()["state"], "paying")
    tap.check(office.bill_of(number) != bill, "the old code again")
    office.pay_order(number)
    office.wait_state(number, "paid")
    tap.contains(office.staff("audit", "list", "--order", number).stdout, "payment.dismissed")


@tap.test("A verdict can be withdrawn; an amount that differs cannot be accepted; a refund that was asked for can be withdrawn")
def _():
    _, token, number, bill = office.paying()
    office.bank_pays(bill, amount=PRICE + 1)
    wait(lambda: payments(number) == [(1, PRICE + 1, 1, "amount")], "the payment")
    tap.contains(office.staff("held", "accept", "--by", "Wang", "--reason", "x", number, check=False).stderr, "refund ask")
    tap.contains(office.staff("held", "accept", "--by", "王测试", "--reason", "x", number, check=False, lang="zh_CN").stderr, "不能计入")
    tap.equal(office.staff("held", "withdraw", "--by", "Li", number, check=False).returncode, 1, "nothing to withdraw")
    office.staff("held", "dismiss", "--by", "Wang", "--reason", "x", number)
    tap.contains(office.staff("held", "accept", "--by", "Li", "--reason", "x", number, check=False).stderr, "refund ask")
    tap.contains(office.staff("held", "dismiss", "--by", "Li", "--reason", "x", number, check=False).stderr, "second person")
    office.staff("held", "withdraw", "--by", "Wang", number)
    office.staff("refund", "ask", "--by", "Wang", "--reason", "x", number)
    tap.equal(office.staff("held", "dismiss", "--by", "Li", "--reason", "x", number, check=False).returncode, 1, "two ways at once")
    tap.contains(office.staff("refund", "withdraw", "--by", "Li", number).stdout, "withdrawn")
    tap.equal(office.staff("refund", "approve", "--by", "Li", number, check=False).returncode, 1, "it was withdrawn")
    tap.contains(office.staff("refund", "list").stdout, "withdrawn")
    office.staff("refund", "ask", "--by", "Li", "--reason", "x", number)
    office.staff("refund", "approve", "--by", "Wang", number)
    wait(lambda: [r[2] for r in refunds(number)] == [4, 1], "the second refund")
    tap.equal([r["refund_no"] for r in books.ledger_of(office)["refunds"] if r["bill_no"] == bill], [refunds(number)[1][0]])
    tap.equal(office.post(f"/v1/orders/{number}/cancel", token=token).good()["state"], "cancelled")
    tap.equal(office.staff("held", "dismiss", "--by", "Li", check=False).returncode, 2, "no order")


@tap.test("A payment whose number in the wallet was seen with another order is held; it goes back")
def _():
    seen_before(False)


@tap.test("... or two people accept it, and the order goes on")
def _():
    seen_before(True)


def seen_before(accepted):
    _, _, first, _ = office.paying()
    office.pay_order(first)
    office.wait_state(first, "paid")
    _, token, number, bill = office.paying()
    office.faults(hold_notify=-1)
    office.bank_pays(bill)
    mine = office.sql("SELECT gateway_transaction FROM payment WHERE number = ?", first)[0][0]
    seen = next(p["txn"] for p in books.ledger_of(office)["payments"] if p["bill_no"] == bill)
    office.sql("UPDATE payment SET gateway_transaction = ? WHERE number = ?", seen, first)
    office.faults(hold_notify=0)
    wait(lambda: payments(number) == [(1, PRICE, 1, "transaction")], "the payment")
    tap.contains(office.certhalld("held").stdout, bill)
    tap.equal(office.state_of(number), "paying")
    if accepted:
        tap.equal(two_people("accept", number=number).returncode, 0)
        office.wait_state(number, "paid")
        tap.equal(payments(number), [(1, PRICE, 0, "")])
    office.sql("UPDATE payment SET gateway_transaction = ? WHERE number = ?", mine, first)
    if accepted:
        return
    office.staff("refund", "ask", "--by", "甲", "--reason", "重复流水", number)
    office.staff("refund", "approve", "--by", "乙", number)
    wait(lambda: [r[1:] for r in refunds(number)] == [(PRICE, 1)], "the refund")


def cancelled_and_paid(revoke):
    """Its order was cancelled, then paid: what takes its place is another order, or the certificate is revoked."""
    cert, token, number, bill = office.paying()
    office.post(f"/v1/orders/{number}/cancel", token=token).good()
    if revoke:
        office.certhalld("revoke", "--serial", cert.serial, "--reason", "keyCompromise")
    else:
        office.order(token)
    office.bank_pays(bill, late=True)
    return number


@tap.test("Paid late for a certificate that was revoked meanwhile: given back")
def _():
    number = cancelled_and_paid(True)
    office.wait_state(number, "refunded")


@tap.test("A refund that takes its time, or whose answer nobody understands, is asked for until it is done, and done once")
def _():
    for faults in ({"refund_processing": 2}, {"refund_unknown": 1}, {"truncate": 1}, {"not_json": 1}, {"fail_5xx": 1}):
        cert, token, number, bill = office.paying()
        office.post(f"/v1/orders/{number}/cancel", token=token).good()
        office.order(token)
        office.faults(refunds_only=-1, **faults)
        office.bank_pays(bill, late=True)
        office.wait_state(number, "refunded")
        office.faults(refunds_only=0)
        tap.equal(len(refunds(number)), 1)
        given = [r for r in books.ledger_of(office)["refunds"] if r["bill_no"] == bill]
        tap.equal([(r["amount"], r["settled"]) for r in given], [(PRICE, 1)], str(faults))


@tap.test("A refund that the gateway refuses is told to staff, who ask for another: two people, a number of its own")
def _():
    office.faults(refund_fail=1)
    number = cancelled_and_paid(False)
    wait(lambda: [r[2] for r in refunds(number)] == [2], "the refusal")
    tap.equal(office.state_of(number), "refunding")
    tap.contains(office.staff("refund", "list").stdout, "refused by the gateway")
    tap.contains(office.logs(), "somebody must look")
    office.staff("refund", "ask", "--by", "甲", "--reason", "再试", number)
    office.staff("refund", "approve", "--by", "乙", number)
    office.wait_state(number, "refunded")
    tap.equal([(name[-2:], state) for name, _, state in refunds(number)], [("R1", 2), ("R2", 1)])


@tap.test("An answer that is cut off, not JSON, 5xx or unknown changes nothing, and the next one does")
def _():
    _, token, number, bill = office.paying()
    office.faults(drop_notify=1)
    office.bank_pays(bill)
    for fault in ("truncate", "not_json", "fail_5xx", "status_unknown"):
        office.faults(**{fault: 1})
        query(number, token).refused("payment-unknown", 502)
        office.faults(**{fault: -1})
        office.post(f"/v1/orders/{number}/cancel", token=token).refused("payment-unknown", 502)
        office.faults(**{fault: 0})
        tap.equal((office.state_of(number), payments(number)), ("paying", []))
    tap.equal(query(number, token).good()["state"], "paid")


@tap.test("A gateway slower than the time it is given is told as such; what it did is found out")
def _():
    _, token, number, bill = office.paying()
    office.faults(slow_ms=3000)
    office.post(f"/v1/orders/{number}/cancel", token=token).refused("payment-unknown", 502)
    office.faults(slow_ms=0)
    tap.equal(office.post(f"/v1/orders/{number}/cancel", token=token).good()["state"], "cancelled")


@tap.test("The books hold after all of it, and the service ends cleanly")
def _():
    try:
        books.check(office)
    except books.Broken as broken: # but for what the merchant did behind the hall's back
        told = [line for line in str(broken).splitlines()[1:] if "M: the bank gives back" not in line]
        tap.equal(told, [])
    tap.equal(office.stop(), 0)


tap.run()
