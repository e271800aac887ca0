"""Paid is a fact, whichever way it is learned; every order ends."""
import json
import os
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
for beside in ("bank", "books"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", beside))
import books
import simulator
from office import Office, wait
import tap

office = Office(sweep_first=3600)


paying, wait_state = office.paying, office.wait_state


def state(number, token):
    return office.get(f"/v1/orders/{number}", token).good()["state"]


@tap.test("Asking for the code again gives the same one; an expired one is closed and a fresh one made")
def _():
    _, token, number, bill = paying()
    first = office.get(f"/v1/orders/{number}", token).good()
    again = office.post(f"/v1/orders/{number}/payment", token=token).good()
    tap.equal((again["payment"]["qr_url"], again["revision"]), (first["payment"]["qr_url"], first["revision"]))
    office.sql("UPDATE bill SET expires = created - 1 WHERE bill_no = ?", bill)
    fresh = office.post(f"/v1/orders/{number}/payment", token=token).good()
    tap.check(fresh["payment"]["qr_url"] != first["payment"]["qr_url"])
    tap.equal(office.sql("SELECT attempt, state FROM bill WHERE number = ? ORDER BY attempt", number), [(1, 2), (2, 1)])


@tap.test("A payment that no notification told about is found by asking")
def _():
    _, token, number, bill = paying()
    tap.equal(office.post(f"/v1/orders/{number}/payment/query", token=token).good()["state"], "paying")
    office.faults(drop_notify=1)
    office.pay_order(number)
    tap.equal(state(number, token), "paying")
    tap.equal(office.post(f"/v1/orders/{number}/payment/query", token=token).good()["state"], "paid")
    tap.equal(office.sql("SELECT count(*) FROM payment WHERE number = ?", number), [(1,)])


@tap.test("... and by the service itself")
def _():
    with_sweep = Office(sweep_first=1)
    token = with_sweep.login(with_sweep.cert())
    number = with_sweep.order(token)["number"]
    with_sweep.post(f"/v1/orders/{number}/payment", token=token).good()
    with_sweep.faults(drop_notify=-1)
    with_sweep.pay_order(number)
    with_sweep.until_state(token, number, "paid")
    with_sweep.close()


@tap.test("An expired code that was paid meanwhile is not replaced: the order is paid")
def _():
    _, token, number, bill = paying()
    office.faults(drop_notify=1)
    office.pay_order(number)
    office.sql("UPDATE bill SET expires = created - 1 WHERE bill_no = ?", bill)
    tap.equal(office.post(f"/v1/orders/{number}/payment", token=token).good()["state"], "paid")
    tap.equal(office.sql("SELECT count(*) FROM bill WHERE number = ?", number), [(1,)])


@tap.test("The same notification many times makes one payment; a forged one none")
def _():
    _, token, number, bill = paying()
    office.faults(notify_times=3)
    office.pay_order(number)
    office.until_state(token, number, "paid")
    office.faults(notify_times=0)
    tap.equal(office.sql("SELECT count(*) FROM payment WHERE number = ?", number), [(1,)])
    revision = office.get(f"/v1/orders/{number}", token).good()["revision"]
    answer = office.request("POST", "/v1/notify/chinaums", body=f"billNo={bill}&billStatus=PAID&totalAmount=1&sign=00",
                            headers={"Content-Type": "application/x-www-form-urlencoded"})
    tap.equal((answer.status, answer.body), (200, b"FAILED"))
    tap.equal(office.get(f"/v1/orders/{number}", token).good()["revision"], revision)
    office.request("POST", "/v1/notify/other", body="a=b", headers={"Content-Type": "application/x-www-form-urlencoded"}).refused("not-found", 404)


def notify(bill, amount=36000, **more):
    """Signed with the merchant's key, as whoever has stolen it could."""
    payment = {"paySeqId": f"SEQ{bill}", "targetOrderId": f"TXN{bill}", "targetSys": "WXPay", "totalAmount": amount, "status": "TRADE_SUCCESS", **more}
    fields = {"mid": simulator.MERCHANT["mid"], "tid": simulator.MERCHANT["tid"], "instMid": "QRPAYDEFAULT", "billNo": bill, "billStatus": "PAID",
              "totalAmount": amount, "billPayment": json.dumps(payment), "signType": "SHA256"}
    fields["sign"] = simulator.parameter_sign(fields, simulator.MERCHANT["key"])
    return office.request("POST", "/v1/notify/chinaums", body=urllib.parse.urlencode(fields),
                          headers={"Content-Type": "application/x-www-form-urlencoded"}).body.decode()


def payments(bill):
    return office.sql("SELECT state, amount_fen, held_for FROM payment WHERE bill_no = ? ORDER BY nth", bill)


@tap.test("A notification counts for nothing before the gateway itself tells of the payment, however well it is signed")
def _():
    _, token, number, bill = paying()
    tap.equal(notify(bill), "FAILED")
    tap.equal((state(number, token), payments(bill)), ("paying", []))
    office.faults(drop_notify=1)
    office.pay_order(number)
    office.faults(fail_5xx=-1)
    tap.equal(notify(bill), "FAILED", "nobody can be asked")
    tap.equal(payments(bill), [])
    office.faults(fail_5xx=0)
    told, = [p for p in books.ledger_of(office)["payments"] if p["bill_no"] == bill]
    tap.equal(notify(bill, paySeqId=told["txn"], targetOrderId=told["txn"]), "SUCCESS")
    tap.equal((state(number, token), payments(bill)), ("paid", [(0, 36000, "")]))


@tap.test("... and one that the gateway tells of a little later is asked for until then, though nobody notifies again")
def _():
    _, token, number, bill = paying()
    office.faults(query_behind=-1)
    office.pay_order(number)
    wait(lambda: [n for n in books.ledger_of(office)["notifications"] if n["bill_no"] == bill and n["answer"] == "FAILED"], "its refusal")
    office.faults(hold_notify=-1)
    office.faults(query_behind=0)
    wait_state(number, "paid")
    office.faults(hold_notify=0)
    tap.equal(payments(bill), [(0, 36000, "")])


@tap.test("... and a second payment that a notification alone tells of is held: nothing is given back for it")
def _():
    _, token, number, bill = paying()
    office.pay_order(number)
    wait_state(number, "paid")
    for _ in range(2):
        tap.equal(notify(bill), "SUCCESS")
        tap.equal(payments(bill), [(0, 36000, ""), (1, 36000, "unconfirmed")])
    tap.contains(office.certhalld("held").stdout, "only a notification")
    tap.equal(office.sql("SELECT count(*) FROM refund WHERE number = ?", number), [(0,)])
    office.sql("DELETE FROM payment WHERE bill_no = ? AND nth = 2", bill)


@tap.test("A notification of another amount than the gateway tells changes nothing")
def _():
    _, token, number, bill = paying()
    office.faults(notify_wrong_amount=1)
    office.pay_order(number)
    wait_state(number, "paid")
    tap.equal(payments(bill), [(0, 36000, "")])
    tap.check(bill not in office.certhalld("held").stdout)


@tap.test("What the gateway does not know, or does not answer, changes nothing")
def _():
    _, token, number, bill = paying()
    office.faults(status_unknown=-1)
    office.post(f"/v1/orders/{number}/payment/query", token=token).refused("payment-unknown", 502)
    office.post(f"/v1/orders/{number}/cancel", token=token).refused("payment-unknown", 502)
    office.faults(status_unknown=0, fail_5xx=-1)
    office.post(f"/v1/orders/{number}/payment/query", token=token).refused("payment-unknown", 502)
    tap.equal(office.get("/v1/hall").good()["payment_ready"], False)
    office.faults(fail_5xx=0)
    tap.equal(office.post(f"/v1/orders/{number}/payment/query", token=token).good()["state"], "paying")
    tap.equal(office.get("/v1/hall").good()["payment_ready"], True)


@tap.test("A bill whose answer was lost is asked for again under the same number")
def _():
    token = office.login(office.cert())
    number = office.order(token)["number"]
    office.faults(truncate=1)
    office.post(f"/v1/orders/{number}/payment", token=token).refused("payment-unavailable", 502)
    tap.equal(state(number, token), "created")
    tap.equal(office.post(f"/v1/orders/{number}/payment", token=token).good()["state"], "paying")
    tap.equal(office.sql("SELECT attempt, state FROM bill WHERE number = ?", number), [(1, 1)])


@tap.test("Cancelling closes the bill; the same again is the same; a payer who was faster has paid")
def _():
    cert, token, number, bill = paying()
    tap.equal(office.post(f"/v1/orders/{number}/cancel", token=token).good()["state"], "cancelled")
    tap.equal(office.post(f"/v1/orders/{number}/cancel", token=token).good()["state"], "cancelled")
    office.post(f"/v1/orders/{number}/payment", token=token).refused("order-state", 409)
    tap.check(office.order(token)["number"] != number, "a new order can be made")
    _, token, number, bill = paying()
    office.faults(drop_notify=1)
    office.pay_order(number)
    tap.equal(office.post(f"/v1/orders/{number}/cancel", token=token).good()["state"], "paid")


@tap.test("Paid after it was cancelled: the order goes on")
def _():
    cert, token, number, bill = paying()
    office.post(f"/v1/orders/{number}/cancel", token=token).good()
    tap.equal(office.bank_control(bill=bill, do="pay", late=True)[0], 200)
    wait_state(number, "paid")
    tap.equal(office.get("/v1/session", token).good()["order"]["number"], number)


@tap.test("Paid after it was cancelled and another order made: refunded, once")
def _():
    cert, token, number, bill = paying()
    office.post(f"/v1/orders/{number}/cancel", token=token).good()
    other = office.order(token)["number"]
    office.faults(refund_processing=1)
    tap.equal(office.bank_control(bill=bill, do="pay", late=True)[0], 200)
    wait_state(number, "refunded")
    tap.equal(office.sql("SELECT count(*) FROM refund WHERE number = ?", number), [(1,)])
    tap.equal(state(other, token), "created")


@tap.test("At the deadline an unpaid order is cancelled by itself")
def _():
    _, token, number, bill = paying()
    office.sql("UPDATE orders SET expires = created - 1 WHERE number = ?", number)
    office.until_state(token, number, "cancelled")
    tap.equal(office.sql("SELECT state FROM bill WHERE bill_no = ?", bill), [(2,)])
    token = office.login(office.cert())
    number = office.order(token)["number"]
    office.sql("UPDATE orders SET expires = created - 1 WHERE number = ?", number)
    wait_state(number, "cancelled")


@tap.test("... but not while the gateway says nothing, nor when it is paid at that very moment")
def _():
    _, token, number, bill = paying()
    office.faults(drop_notify=1)
    office.pay_order(number)
    office.faults(fail_5xx=-1)
    office.sql("UPDATE orders SET expires = created - 1 WHERE number = ?", number)
    office.post(f"/v1/orders/{number}/payment", token=token).refused("payment-unknown", 502)
    tap.equal(state(number, token), "paying")
    office.faults(fail_5xx=0)
    wait_state(number, "paid")


@tap.test("A restart in between loses nothing")
def _():
    _, token, number, bill = paying()
    office.restart(9)
    office.pay_order(number)
    office.until_state(token, number, "paid")
    tap.equal(office.get(f"/v1/orders/{number}", token).good()["state"], "paid")


@tap.test("The operator pays with the simulator only")
def _():
    _, token, number, bill = paying()
    real = open(f"{office.dir}/hall.conf").read().replace("sandbox = true", "sandbox = false").replace("http://127", "https://127")
    office.write("real.conf", real)
    done = subprocess.run([tap.built("certhalld"), "pay", "--config", f"{office.dir}/real.conf", number], capture_output=True, text=True,
                          env=dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE="en"))
    tap.equal(done.returncode, 1)
    tap.contains(done.stderr, "real one")
    tap.equal(office.certhalld("pay", "AZT000000XXXXX", check=False).returncode, 1)


@tap.test("The service ends cleanly")
def _():
    tap.equal(office.stop(), 0)


tap.run()
