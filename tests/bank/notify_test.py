"""Notifications, and what a restart must not lose."""
import json
import os
import signal
import subprocess
import threading
import time

from simulator import MERCHANT, Receiver, main, parameter_sign, until


def row(bank, bill):
    return next((n for n in bank.ledger()["notifications"] if n["bill_no"] == bill["billNo"]), None)


def done(bank, bill):
    until(lambda: row(bank, bill)["pending"] == 0)
    return row(bank, bill)


def taken(bank):
    """a payment is told once, well signed over the decoded values"""
    receiver = Receiver()
    bill = bank.bill(notifyUrl=receiver.url)
    bank.control(bill=bill["billNo"], do="pay", coupon=100, wallet="Alipay 2.0")
    form = receiver.wait(1)[0]
    assert form["sign"] == parameter_sign(form, MERCHANT["key"]) and form["signType"] == "SHA256"
    for name, value in {"mid": MERCHANT["mid"], "tid": MERCHANT["tid"], "instMid": "QRPAYDEFAULT", "billNo": bill["billNo"],
                        "billDate": bill["billDate"], "billStatus": "PAID", "totalAmount": "20000", "billDesc": "证书更新 <测试>",
                        "merName": MERCHANT["name"], "billQRCode": bill["billQRCode"], "memo": ""}.items():
        assert form[name] == value, (name, form[name])
    paid = json.loads(form["billPayment"])
    assert (paid["totalAmount"], paid["invoiceAmount"], paid["targetSys"]) == (20000, 19900, "Alipay 2.0")
    assert done(bank, bill)["tries"] == 1 and len(receiver.forms) == 1
    receiver.close()


def retried(bank):
    """FAILED, a 500 and a SUCCESS with a line end are no success: the same notice comes again"""
    receiver = Receiver("FAILED", (500, "SUCCESS"), "SUCCESS\n", "SUCCESS")
    bill = bank.bill(notifyUrl=receiver.url)
    bank.control(bill=bill["billNo"], do="pay")
    forms = receiver.wait(4)
    assert len({f["notifyId"] for f in forms}) == 1
    assert done(bank, bill)["tries"] == 4
    receiver.close()


def restart(bank):
    """a killed bank finds its ledger again and goes on notifying"""
    receiver = Receiver("FAILED", "SUCCESS")
    bill = bank.bill(notifyUrl=receiver.url)
    bank.control(bill=bill["billNo"], do="pay")
    first = receiver.wait(1)[0]
    bank.stop(signal.SIGKILL)
    bank.start()
    again = receiver.wait(2)[1]
    assert again["notifyId"] == first["notifyId"]
    done(bank, bill)
    assert bank.open("query", billNo=bill["billNo"], billDate=bill["billDate"])[1]["billStatus"] == "PAID"
    assert bank.stop() == 0
    bank.start()
    receiver.close()


def several(bank):
    """a notice that was taken is sent again when asked to"""
    receiver = Receiver()
    bank.faults(notify_times=3)
    bill = bank.bill(notifyUrl=receiver.url)
    bank.control(bill=bill["billNo"], do="pay")
    assert len({f["notifyId"] for f in receiver.wait(3)}) == 1
    assert done(bank, bill)["taken"] == 3
    receiver.close()


def faulty(bank):
    """wrong signature, wrong amount, early and dropped notices"""
    receiver = Receiver("FAILED", "SUCCESS")
    bank.faults(notify_bad_sign=1)
    bill = bank.bill(notifyUrl=receiver.url)
    bank.control(bill=bill["billNo"], do="pay")
    bad, good = receiver.wait(2)
    assert bad["sign"] != parameter_sign(bad, MERCHANT["key"]) and good["sign"] == parameter_sign(good, MERCHANT["key"])
    bank.faults(notify_wrong_amount=1)
    bill = bank.bill(notifyUrl=receiver.url)
    bank.control(bill=bill["billNo"], do="pay")
    form = receiver.wait(3)[2]
    assert form["totalAmount"] == "1" and form["sign"] == parameter_sign(form, MERCHANT["key"])
    bank.faults(drop_notify=1)
    bill = bank.bill(notifyUrl=receiver.url)
    bank.control(bill=bill["billNo"], do="pay")
    assert row(bank, bill) is None
    bank.faults(pay_early=1)
    bill = bank.bill(notifyUrl=receiver.url)
    assert receiver.wait(4)[3]["billNo"] == bill["billNo"]
    bank.faults(late=-1)
    bill = bank.bill(notifyUrl=receiver.url)
    bank.open("close-qrcode", qrCodeId=bill["qrCodeId"])
    bank.control(bill=bill["billNo"], do="pay")
    assert receiver.wait(5)[4]["billStatus"] == "PAID"
    receiver.close()


def private_ca(bank):
    """over TLS only a hall that --notify-ca vouches for is told"""
    at = os.path.join(bank.folder, "hall")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=hall", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", at + ".key", "-out", at + ".pem"],
                   check=True, capture_output=True)
    receiver = Receiver(certificate=at)
    bill = bank.bill(notifyUrl=receiver.url)
    bank.control(bill=bill["billNo"], do="pay")
    until(lambda: row(bank, bill)["tries"] == 1)
    assert "certificate" in row(bank, bill)["answer"] and not receiver.forms
    assert bank.stop() == 0
    bank.start("--notify-ca", at + ".pem")
    assert receiver.wait(1)[0]["billNo"] == bill["billNo"]
    assert done(bank, bill)["answer"] == "SUCCESS"
    receiver.close()


def held_back(bank):
    """an answer held back does not hold up the others, nor the end"""
    bank.faults(slow_ms=60000)

    def ask():
        try:
            bank.bill()
        except OSError:
            pass  # the end may cut it off
    thread = threading.Thread(target=ask)
    before = len(bank.ledger()["bills"])
    thread.start()
    until(lambda: len(bank.ledger()["bills"]) == before + 1)
    began = time.monotonic()
    assert bank.stop() == 0 and time.monotonic() - began < 10
    thread.join()
    bank.start()


main([taken, retried, restart, several, faulty, private_ca, held_back])
