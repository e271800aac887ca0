"""The gateway over both transports, as a merchant sees it."""
import json
import secrets
import threading

from simulator import MERCHANT, body_sign, date_time, main, now, parameter_sign

BOTH = ("legacy", "open")
TODAY = lambda: now().strftime("%Y-%m-%d")  # noqa: E731


def code(answer):
    return answer[1]["errCode"]


def each(bank):
    return [getattr(bank, name) for name in BOTH]


def signatures(_):
    """our own signatures meet the vectors"""
    fields = {"billDate": "2025-01-02", "billNo": "1017AZT112217NR3QT", "instMid": "QRPAYDEFAULT", "mid": "000000000000000",
              "msgSrc": "WWW.TEST.COM", "msgType": "bills.getQRCode", "requestTimestamp": "2025-01-02 03:04:05", "tid": "00000000",
              "totalAmount": 1, "srcReserve": ""}
    assert parameter_sign(fields, "sandbox-key-not-secret", "MD5") == "2972E81F3A115819CFB76DC8C81D15FE"
    assert parameter_sign(fields, "sandbox-key-not-secret") == "DA5120EF26AE9A7F6B8EA1F4EDF0297156372F7C8B813F6E854C1EAA3A1B398A"
    assert body_sign("demoapp", "demokey", "20250102030405", "0123456789abcdef0123456789abcdef", b'{"a":1}') == \
        "OqoAo7cRFG6v/tt9hE0sKSO9AsqTJhb/6cSpREVpCLE="


def life(bank):
    """a bill is made, paid and seen paid, over both transports"""
    for call in each(bank):
        bill = bank.bill(call)
        assert bill["billQRCode"] == f"http://127.0.0.1:{bank.port}/bills/qrCode.do?id={bill['qrCodeId']}"
        assert len(bill["qrCodeId"]) == 28 and bill["qrCodeId"].startswith("1017")
        name = {"billNo": bill["billNo"], "billDate": bill["billDate"]}
        status, answer = call("query", **name)
        assert (status, answer["billStatus"], answer["totalAmount"]) == (200, "UNPAID", 20000) and "billPayment" not in answer
        assert bank.control(bill=bill["billNo"], do="pay") == (200, "SUCCESS")
        answer = call("query", **name)[1]
        assert answer["billStatus"] == "PAID" and answer["billPayment"]["status"] == "TRADE_SUCCESS", answer
        assert answer["billPayment"]["totalAmount"] == answer["billPayment"]["invoiceAmount"] == 20000
        assert call("query-qrcode-info", qrCodeId=bill["qrCodeId"])[1]["billStatus"] == "PAID"


def md5(bank):
    """the old digest is taken too, an unknown one is not"""
    assert bank.bill(lambda op, **f: bank.legacy(op, kind="MD5", **f))["errCode"] == "SUCCESS"
    bill = {"billNo": "1017AZT000001", "billDate": TODAY(), "totalAmount": 1}
    assert code(bank.legacy("get-qrcode", **bill, change={"signType": "SM3"})) == "SIGN_ERROR"


def nested(bank):
    """nested members are signed as their JSON text"""
    goods = '[{"goodsName":"证书","price":1}]'
    fields = {"msgSrc": MERCHANT["msg_src"], "msgType": "bills.getQRCode", "requestTimestamp": date_time(now()), "mid": MERCHANT["mid"],
              "tid": MERCHANT["tid"], "instMid": "QRPAYDEFAULT", "signType": "SHA256", "billNo": "1017NESTED" + secrets.token_hex(4),
              "billDate": TODAY(), "totalAmount": 1, "goods": goods}
    sign = parameter_sign(fields, MERCHANT["key"])
    body = json.dumps({**fields, "goods": json.loads(goods), "sign": sign})
    assert json.loads(bank.http("POST", "/netpay-route-server/api/", body)[1])["errCode"] == "SUCCESS"


def bad_signature(bank):
    """a wrong key, a changed field, a missing signature are refused"""
    bill = {"billNo": "1017AZT000002", "billDate": TODAY(), "totalAmount": 1}
    assert code(bank.legacy("get-qrcode", key="other", **bill)) == "SIGN_ERROR"
    assert code(bank.legacy("get-qrcode", **bill, change={"totalAmount": 2})) == "SIGN_ERROR"
    assert code(bank.legacy("get-qrcode", **bill, change={"sign": ""})) == "SIGN_ERROR"
    assert bank.open("get-qrcode", app_key="other", **bill) [0] == 401
    assert code(bank.open("get-qrcode", tail=b" ", **bill)) == "SIGN_ERROR"
    assert bank.http("POST", "/v1/netpay/bills/get-qrcode", "{}")[0] == 401
    assert not [b for b in bank.ledger()["bills"] if b["bill_no"] == "1017AZT000002"]


def old_request(bank):
    """a request far from the bank's clock, or sent again, is refused"""
    bill = {"billNo": "1017AZT000003", "billDate": TODAY(), "totalAmount": 1}
    for minutes in (-11, 11):
        assert code(bank.legacy("get-qrcode", **{**bill, "requestTimestamp": date_time(now(minutes=minutes))})) == "TIMESTAMP_ERROR"
        assert code(bank.open("get-qrcode", timestamp=now(minutes=minutes).strftime("%Y%m%d%H%M%S"), **bill)) == "TIMESTAMP_ERROR"
    assert code(bank.legacy("get-qrcode", **bill, requestTimestamp="")) == "TIMESTAMP_ERROR"
    assert code(bank.legacy("get-qrcode", **{**bill, "requestTimestamp": "2026-02-30 00:00:00"})) == "TIMESTAMP_ERROR"
    nonce = secrets.token_hex(16)
    assert code(bank.open("query", nonce=nonce, billNo="1017AZT999999", billDate=TODAY())) == "NO_BILL"
    assert code(bank.open("query", nonce=nonce, billNo="1017AZT999999", billDate=TODAY())) == "NONCE_ERROR"


def merchant(bank):
    """another merchant, terminal or source is refused"""
    bill = {"billNo": "1017AZT000004", "billDate": TODAY(), "totalAmount": 1}
    for wrong in ({"mid": "000000000000002"}, {"tid": "00000002"}, {"instMid": "YUEDANDEFAULT"}):
        for call in each(bank):
            assert code(call("get-qrcode", **bill, **wrong)) == "MERCHANT_ERROR", wrong
    assert code(bank.legacy("get-qrcode", **bill, msgSrc="WWW.OTHER.TEST")) == "MERCHANT_ERROR"
    assert code(bank.legacy("bills.unheardOf", **bill)) == "UNKNOWN_MSGTYPE"
    assert code(bank.open("unheard-of", **bill)) == "UNKNOWN_MSGTYPE"


def fields(bank):
    """number, amount, date, deadline and code are checked"""
    good = {"billNo": "1017AZT000005", "billDate": TODAY(), "totalAmount": 1}
    wrong = [({"billNo": "2017AZT000005"}, "BILLNO_ERROR"), ({"billNo": "1017AZT-00005"}, "BILLNO_ERROR"), ({"billNo": "1017"}, "BILLNO_ERROR"),
             ({"billNo": "1017" + "9" * 60}, "BILLNO_ERROR"), ({"totalAmount": 0}, "AMOUNT_ERROR"), ({"totalAmount": -1}, "AMOUNT_ERROR"),
             ({"totalAmount": 1.5}, "AMOUNT_ERROR"), ({"totalAmount": "1.00"}, "AMOUNT_ERROR"), ({"totalAmount": "01"}, "AMOUNT_ERROR"),
             ({"billDate": "2020-01-01"}, "BILLDATE_ERROR"), ({"billDate": "20260101"}, "BILLDATE_ERROR"),
             ({"expireTime": date_time(now(seconds=-1))}, "EXPIRETIME_ERROR"), ({"expireTime": "soon"}, "EXPIRETIME_ERROR"),
             ({"qrCodeId": "1017123"}, "QRCODEID_ERROR"), ({"qrCodeId": "2017" + "0" * 24}, "QRCODEID_ERROR"),
             ({"notifyUrl": "file:///etc/passwd"}, "FORMAT_ERROR")]
    for change, expected in wrong:
        for call in each(bank):
            got = code(call("get-qrcode", **{**good, **change}))
            assert got == expected, (change, got)
    assert json.loads(bank.http("POST", "/netpay-route-server/api/", "[]")[1])["errCode"] == "FORMAT_ERROR"
    assert json.loads(bank.http("POST", "/netpay-route-server/api/", '{"a":1}x')[1])["errCode"] == "FORMAT_ERROR"
    assert bank.http("POST", "/netpay-route-server/api/", "x" * 70000)[0] == 413
    assert bank.http("GET", "/netpay-route-server/api/")[0] == 405


def same_again(bank):
    """the same bill again gives the same code, a changed one is refused"""
    bill = bank.bill(qrCodeId="1017" + "20260101000000000" + f"{secrets.randbelow(10**7):07}")
    again = {"billNo": bill["billNo"], "billDate": bill["billDate"]}
    assert bank.legacy("get-qrcode", **again, totalAmount=20000)[1]["billQRCode"] == bill["billQRCode"]
    assert code(bank.open("get-qrcode", **again, totalAmount=20001)) == "DUP_BILL"
    other = {"billNo": "1017AZT" + secrets.token_hex(5), "billDate": bill["billDate"], "totalAmount": 1}
    assert code(bank.open("get-qrcode", **other, qrCodeId=bill["qrCodeId"])) == "QRCODEID_ERROR"


def original_date(bank):
    """query, refund and close need the original bill date"""
    bill = bank.bill()
    other = {"billNo": bill["billNo"], "billDate": now(days=1).strftime("%Y-%m-%d")}
    assert code(bank.open("query", **other)) == "BILLDATE_ERROR"
    assert code(bank.open("refund", **other, refundOrderId="1017R000001", refundAmount=1)) == "BILLDATE_ERROR"
    assert code(bank.open("close-qrcode", **other, qrCodeId=bill["qrCodeId"])) == "BILLDATE_ERROR"
    assert code(bank.open("query", billNo=bill["billNo"])) == "BILLDATE_ERROR"


def paid_once(bank):
    """many payers at once: one payment"""
    bill, results = bank.bill(), []
    threads = [threading.Thread(target=lambda: results.append(bank.control(bill=bill["billNo"], do="pay"))) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(results) == [(200, "SUCCESS")] + [(409, "BILL_PAID")] * 7
    assert len([p for p in bank.ledger()["payments"] if p["bill_no"] == bill["billNo"]]) == 1


def expiry(bank):
    """an expired code cannot be paid, unless the fault says so"""
    bill = bank.bill(expireTime=date_time(now(minutes=5)))
    name = {"billNo": bill["billNo"], "billDate": bill["billDate"]}
    assert bank.control(bill=bill["billNo"], do="expire") == (200, "SUCCESS")
    assert bank.open("query", **name)[1]["billStatus"] == "CLOSED"
    assert bank.control(bill=bill["billNo"], do="pay") == (409, "BILL_CLOSED")
    assert code(bank.open("get-qrcode", **name, totalAmount=20000)) == "BILL_CLOSED"
    assert bank.control(bill=bill["billNo"], do="pay", late=True) == (200, "SUCCESS")
    assert bank.open("query", **name)[1]["billStatus"] == "PAID"


def closing(bank):
    """closing wins, loses, or gives the money back"""
    for call in each(bank):
        bill = bank.bill(call)
        name = {"billNo": bill["billNo"], "billDate": bill["billDate"]}
        assert code(call("close-qrcode", qrCodeId=bill["qrCodeId"])) == "SUCCESS"
        assert code(call("close-qrcode", qrCodeId=bill["qrCodeId"])) == "SUCCESS"
        assert call("query", **name)[1]["billStatus"] == "CLOSED"
        assert bank.control(bill=bill["billNo"], do="pay") == (409, "BILL_CLOSED")
        bank.faults(late=1)
        assert bank.control(bill=bill["billNo"], do="pay") == (200, "SUCCESS")
        assert call("query", **name)[1]["billStatus"] == "PAID"
        assert code(call("close-qrcode", qrCodeId=bill["qrCodeId"])) == "BILL_PAID"
        assert code(call("close-qrcode", qrCodeId=bill["qrCodeId"], attachRefund=True)) == "SUCCESS"
        assert call("query", **name)[1]["billStatus"] == "REFUND"
    assert code(bank.open("close-qrcode", qrCodeId="1017" + "9" * 24)) == "NO_BILL"


def refunds(bank):
    """refunds: in parts, once a number, never more than was paid"""
    for call in each(bank):
        bill, tag = bank.bill(call), secrets.token_hex(4)
        name = {"billNo": bill["billNo"], "billDate": bill["billDate"]}
        give = lambda no, fen: call("refund", **name, refundOrderId=f"1017R{tag}{no}", refundAmount=fen)  # noqa: E731
        assert code(give(1, 5000)) == "BILL_NOT_PAID"
        bank.control(bill=bill["billNo"], do="pay")
        assert code(give(1, 20001)) == "REFUND_EXCEEDED"
        assert code(give(1, 0)) == "AMOUNT_ERROR"
        assert code(call("refund", **name, refundOrderId="R1", refundAmount=1)) == "REFUNDNO_ERROR"
        for _ in range(2):
            assert give(1, 5000)[1]["refundStatus"] == "SUCCESS"
        assert code(give(1, 5001)) == "REFUNDNO_ERROR"
        assert call("query", **name)[1]["billStatus"] == "PAID"
        assert code(give(2, 15001)) == "REFUND_EXCEEDED"
        bank.faults(refund_processing=1)
        assert give(2, 15000)[1]["refundStatus"] == "PROCESSING"
        assert call("query", **name)[1]["billStatus"] == "PAID"
        assert code(give(3, 1)) == "REFUND_EXCEEDED"
        answer = call("query", **name, refundOrderId=f"1017R{tag}2")[1]
        assert answer["refundStatus"] == "SUCCESS" and answer["refundBillPayment"]["totalAmount"] == 15000
        assert answer["billStatus"] == "REFUND"
        assert code(call("query", **name, refundOrderId=f"1017R{tag}9")) == "NO_REFUND"
        given = [r["amount"] for r in bank.ledger()["refunds"] if r["bill_no"] == bill["billNo"]]
        assert sorted(given) == [5000, 15000]


def coupon(bank):
    """the wallet's coupon lowers what the invoice may show"""
    bill = bank.bill()
    bank.control(bill=bill["billNo"], do="pay", coupon=500, wallet="UAC")
    paid = bank.open("query", billNo=bill["billNo"], billDate=bill["billDate"])[1]["billPayment"]
    assert (paid["totalAmount"], paid["invoiceAmount"], paid["buyerPayAmount"], paid["targetSys"]) == (20000, 19500, 19500, "UAC")


def faulty(bank):
    """5xx does nothing; a cut answer was done; UNKNOWN is said once"""
    fields = {"billNo": "1017FAULT" + secrets.token_hex(4), "billDate": TODAY(), "totalAmount": 1}
    body = json.dumps(fields)
    bank.faults(fail_5xx=1)
    assert bank.http("POST", "/v1/netpay/bills/get-qrcode", body)[0] == 503
    assert bank.http("POST", "/v1/netpay/bills/get-qrcode", body)[0] == 401
    bank.faults(truncate=1)
    try:
        bank.open("get-qrcode", **fields)
        raise AssertionError("whole answer")
    except json.JSONDecodeError:
        pass
    assert bank.open("query", billNo=fields["billNo"], billDate=TODAY())[1]["billStatus"] == "UNPAID"
    bank.faults(status_unknown=1)
    states = [bank.open("query", billNo=fields["billNo"], billDate=TODAY())[1]["billStatus"] for _ in range(2)]
    assert states == ["UNKNOWN", "UNPAID"]
    assert bank.control(set={"misspelt": 1}) == (409, "FORMAT_ERROR")


def control_door(bank):
    """control is JSON from this machine, not from a page in its browser"""
    assert bank.http("POST", "/control", "{}", {"Content-Type": "text/plain"})[0] == 415
    assert bank.http("POST", "/control", "{}", {"Content-Type": "application/json", "Origin": "http://other.test"})[0] == 403
    assert bank.control(bill="1017NONE", do="pay") == (404, "NO_BILL")


def page(bank):
    """the page shows the bill, escapes it, takes the payment, and says what has become of it"""
    bill = bank.bill()
    path = "/bills/qrCode.do?id=" + bill["qrCodeId"]
    status, body, headers = bank.http("GET", path)
    text = body.decode()
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'nonce-")
    for expected in ("模拟支付", "测试", "￥200.00", "测试&lt;商户&gt;&amp;模拟", "证书更新 &lt;测试&gt;", bill["billNo"], 'id="pay"', "确认支付", "width=device-width"):
        assert expected in text, expected
    for forbidden in ("<script", "http://", "https://", "<测试>"):
        assert forbidden not in text, forbidden
    status, _, headers = bank.http("POST", path)
    assert status == 303 and headers["Location"] == path
    text = bank.http("GET", path)[1].decode()
    assert "支付成功" in text and 'id="pay"' not in text
    assert bank.http("POST", path)[0] == 303
    assert len([p for p in bank.ledger()["payments"] if p["bill_no"] == bill["billNo"]]) == 1
    closed = bank.bill()
    bank.open("close-qrcode", qrCodeId=closed["qrCodeId"])
    expired = bank.bill()
    bank.control(bill=expired["billNo"], do="expire")
    for other, words in ((closed, "账单已关闭"), (expired, "二维码已过期")):
        path = "/bills/qrCode.do?id=" + other["qrCodeId"]
        bank.http("POST", path)
        text = bank.http("GET", path)[1].decode()
        assert words in text and 'id="pay"' not in text
    assert bank.http("GET", "/bills/qrCode.do?id=1017<x>")[0] == 404
    assert bank.http("GET", "/bills/qrCode.do")[0] == 404


def balance(bank):
    """the ledger adds up"""
    ledger = bank.ledger()
    paid = {p["bill_no"]: p["amount"] for p in ledger["payments"]}
    back = {}
    for r in ledger["refunds"]:
        back[r["bill_no"]] = back.get(r["bill_no"], 0) + r["amount"]
    for b in ledger["bills"]:
        assert paid.get(b["bill_no"], b["amount"]) == b["amount"]
        assert (b["state"] in ("PAID", "REFUND")) == (b["bill_no"] in paid)
        assert (b["state"] == "REFUND") == (back.get(b["bill_no"]) == b["amount"])
        assert back.get(b["bill_no"], 0) <= paid.get(b["bill_no"], 0)
    assert len(paid) > 5 and len(back) > 1


main([signatures, life, md5, nested, bad_signature, old_request, merchant, fields, same_again, original_date, paid_once, expiry, closing,
      refunds, coupon, faulty, control_door, page, balance])
