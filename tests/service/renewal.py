"""Sessions, orders, payment, issuing and installing, over the real service and the bank simulator."""
import base64
import hashlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import office as offices
from office import Office, openssl, statement, b64, rfc3339, APPLICANT
import tap

office = Office()


@tap.test("The hall tells about itself")
def _():
    hall = office.get("/v1/hall").good()
    tap.equal(hall["project"]["price_fen"], 36000)
    tap.equal(hall["audience"], "hall.test")
    tap.equal(office.get("/healthz").status, 200)


@tap.test("A whole renewal of a certificate that is due, paid by notification")
def _():
    cert = office.cert()
    token = office.login(cert)
    session = office.get("/v1/session", token).good()
    tap.check("token" not in session and "order" not in session)
    number = office.order(token)["number"]
    tap.check(number.startswith("AZT") and len(number) == 14, number)
    paying = office.post(f"/v1/orders/{number}/payment", token=token).good()
    tap.equal(paying["state"], "paying")
    tap.contains(paying["payment"]["qr_url"], "bills/qrCode.do")
    office.pay_order(number)
    paid = office.until_state(token, number, "paid")
    tap.check("expires" not in paid and paid["payment"]["paid_at"])
    key = office.key("rsa:2048")
    issued = office.request_cert(cert, key, number, token).good()
    tap.equal(issued["state"], "issued")
    der = base64.b64decode(issued["items"][0]["certificate"])
    with open(f"{office.dir}/new.der", "wb") as file:
        file.write(der)
    text = openssl("x509", "-inform", "DER", "-in", f"{office.dir}/new.der", "-noout", "-subject", "-enddate", "-nameopt", "utf8").decode()
    old = openssl("x509", "-in", cert.path, "-noout", "-subject", "-nameopt", "utf8").decode()
    tap.contains(text, old.strip())
    openssl("x509", "-inform", "DER", "-in", f"{office.dir}/new.der", "-out", f"{office.dir}/new.pem")
    openssl("verify", "-CAfile", f"{office.dir}/ca/ca.pem", f"{office.dir}/new.pem")
    done = office.report_installed(key, number, der, token).good()
    tap.equal(done["state"], "installed")
    events = office.sql("SELECT seq, body FROM event WHERE subject = ? ORDER BY seq", number)
    tap.equal([seq for seq, _ in events], list(range(1, len(events) + 1)), "events without gaps")
    tap.equal(done["revision"], len(events))
    crl = openssl("crl", "-inform", "DER", "-noout", "-text", input=office.get("/v1/crl").body).decode()
    tap.contains(crl, cert.serial)
    tap.contains(crl, "Superseded")
    office.try_login(cert).refused("certificate-superseded", 403)
    standing = office.post("/v1/standings", {"certificates": [{"der": b64(cert.der)}, {"der": b64(der)}]}).good()["certificates"]
    tap.equal([c["standing"] for c in standing], ["superseded", "too-early"])
    tap.equal(standing[0]["replaced_until"], (office.sql("SELECT date(not_after + 28800, 'unixepoch') FROM certificate WHERE fingerprint = ?", hashlib.sha256(der).hexdigest())[0][0]))


@tap.test("Logging in is refused with a code of its own for every reason")
def _():
    def refused(cert, code, param=None):
        problem = office.try_login(cert).refused(code, 403)
        if param:
            tap.equal(problem["param"], param)
    early, late, future = office.cert(-10, 200), office.cert(-765, -400), office.cert(5, 370)
    refused(early, "renewal-too-early")
    refused(late, "renewal-too-late")
    refused(future, "certificate-not-yet-valid")
    revoked = office.cert()
    office.certhalld("revoke", "--serial", revoked.serial, "--reason", "keyCompromise")
    refused(revoked, "certificate-revoked")
    stranger = Office(bank=False, start=False).cert()
    refused(stranger, "certificate-unknown-issuer")
    good = office.cert()
    office.post("/v1/sessions", dict(office.login_request(good), certificate=b64(b"not a certificate"))).refused("certificate-malformed", 400)
    office.try_login(good, key=office.key()).refused("signature-invalid", 403)
    standings = office.post("/v1/standings", {"certificates": [{"der": b64(c.der)} for c in (early, late, future, revoked, stranger, good)]
                                              + [{"der": b64(b"x")}]}).good()["certificates"]
    tap.equal([s["standing"] for s in standings], ["too-early", "too-late", "not-yet-valid", "revoked", "unknown-issuer", "renewable", "malformed"])


@tap.test("An expired certificate logs in, and its new one runs from the day of issue")
def _():
    cert = office.cert(-405, -40)
    answer = office.try_login(cert).good(201)
    tap.equal(answer["standing"]["standing"], "expired-renewable")
    tap.check("new_not_after" not in answer)
    number = office.paid_order(cert, answer["token"])
    order = office.request_cert(cert, office.key(), number, answer["token"]).good()
    not_before, not_after = office.sql("SELECT plan_not_before, plan_not_after FROM order_item WHERE number = ?", number)[0]
    tap.check(365 <= (not_after - not_before) / 86400 <= 366, "a year from the issue")
    tap.equal(order["state"], "issued")


@tap.test("A challenge is good once, and for its purpose")
def _():
    cert = office.cert()
    challenge = office.challenge("login")
    request = office.login_request(cert, challenge=challenge)
    office.post("/v1/sessions", request).good(201)
    office.post("/v1/sessions", request).refused("challenge-invalid", 409)
    office.post("/v1/sessions", dict(request, challenge=request["challenge"].upper())).refused("challenge-invalid", 409)
    office.post("/v1/sessions", office.login_request(cert, challenge=office.challenge("install"))).refused("challenge-invalid", 409)
    forged = dict(office.challenge("login"), id="00" * 31)
    office.post("/v1/sessions", office.login_request(cert, challenge=forged)).refused("challenge-invalid", 409)
    office.post("/v1/challenges", {"purpose": "refund"}).refused("invalid-field", 422)


@tap.test("A session is its token, and ends by logging out")
def _():
    cert = office.cert()
    token = office.login(cert)
    tap.equal(office.sql("SELECT count(*) FROM session WHERE token_sha256 = ?", token)[0][0], 0, "the token itself is not stored")
    office.get("/v1/session", token).good()
    tap.equal(office.request("DELETE", "/v1/session", token=token).status, 204)
    tap.equal(office.get("/v1/session", token).refused("session-needed", 401)["status"], 401)
    office.get("/v1/session").refused("session-needed", 401)
    token = office.login(cert)
    office.sql("UPDATE session SET used = used - 901 WHERE fingerprint = ?", cert.fingerprint)
    office.get("/v1/session", token).refused("session-needed", 401)


@tap.test("The project is chosen by the certificate")
def _():
    session = office.try_login(office.cert(unit="专项", end=50)).good(201)
    tap.equal(session["project"]["id"], "special")
    office.try_login(office.cert(end=50)).refused("renewal-too-early")


@tap.test("One open order a certificate: the same request again gives it, with its details brought up to date")
def _():
    cert = office.cert()
    token = office.login(cert)
    first = office.order(token)
    again = office.order(token, 200)
    tap.equal((again["number"], again["revision"]), (first["number"], first["revision"]))
    changed = office.order(token, 200, contact="另一人")
    tap.equal((changed["number"], changed["applicant"]["contact"], changed["revision"]), (first["number"], "另一人", first["revision"] + 1))
    session = office.try_login(cert).good(201)
    tap.equal(session["order"]["number"], first["number"])
    tap.equal(session["applicant"]["contact"], "另一人")
    brief = office.post("/v1/standings", {"certificates": [{"der": b64(cert.der)}]}).good()["certificates"][0]["order"]
    tap.equal(brief["number"], first["number"])
    tap.check("applicant" not in brief)
    office.post("/v1/orders", {"applicant": APPLICANT, "acknowledged": False}, token).refused("acknowledgement-needed", 422)
    office.post("/v1/orders", {"applicant": dict(APPLICANT, tax_no="1"), "acknowledged": True}, token).refused("invalid-field", 422)


@tap.test("An order is its own session's only")
def _():
    token = office.login(office.cert())
    number = office.order(token)["number"]
    other = office.login(office.cert())
    for path in ("", "/events"):
        office.get(f"/v1/orders/{number}{path}", other).refused("forbidden", 403)
    for path in ("payment", "payment/query", "cancel"):
        office.post(f"/v1/orders/{number}/{path}", token=other).refused("forbidden", 403)
    office.get("/v1/orders/AZT000000XXXXX", token).refused("order-none", 404)
    office.get(f"/v1/orders/{number}").refused("session-needed", 401)


@tap.test("The same certificate is asked for twice and is the same; another key takes the place of a lost one, so often and no more")
def _():
    cert = office.cert()
    token = office.login(cert)
    number = office.order(token)["number"]
    key = office.key()
    office.request_cert(cert, key, number, token).refused("not-paid", 409)
    office.post(f"/v1/orders/{number}/payment", token=token).good()
    office.pay_order(number)
    office.until_state(token, number, "paid")
    body = office.cert_request(cert, key, number)
    first = office.post(f"/v1/orders/{number}/requests", body, token).good()["items"][0]["certificate"]
    tap.equal(office.post(f"/v1/orders/{number}/requests", body, token).good()["items"][0]["certificate"], first, "the very same request")
    office.restart()
    tap.equal(office.request_cert(cert, key, number, token).good()["items"][0]["certificate"], first, "a new request for the same key")
    second = office.request_cert(cert, office.key(), number, token).good()["items"][0]["certificate"]
    tap.check(second != first)
    fingerprint = hashlib.sha256(base64.b64decode(first)).hexdigest()
    tap.equal(office.sql("SELECT reason FROM certificate WHERE fingerprint = ?", fingerprint), [(4,)], "the first is revoked")
    office.request_cert(cert, key, number, token).refused("csr-invalid", 422)
    last = office.key()
    third = office.request_cert(cert, last, number, token).good()["items"][0]["certificate"]
    office.request_cert(cert, office.key(), number, token).refused("key-other", 409)
    der = base64.b64decode(third)
    office.report_installed(last, number, base64.b64decode(second), token).refused("invalid-field", 422)
    office.report_installed(last, number, der, token, signer=office.key()).refused("signature-invalid", 403)
    revision = office.report_installed(last, number, der, token).good()["revision"]
    again = office.report_installed(last, number, der, token).good()
    tap.equal((again["state"], again["revision"]), ("installed", revision))
    office.request_cert(cert, office.key(), number, token).refused("key-other", 409)
    tap.equal(office.request_cert(cert, last, number, token).good()["state"], "installed")


@tap.test("A request is refused that does not hold together")
def _():
    cert = office.cert()
    token = office.login(cert)
    number = office.paid_order(cert, token)
    key = office.key()
    office.request_cert(cert, key, number, token, signer=office.cert()).refused("proof-invalid", 422)
    body = office.cert_request(cert, key, number)
    office.post(f"/v1/orders/{number}/requests", dict(body, csr=b64(office.key().csr(cert.subject))), token).refused("proof-invalid", 422)
    office.request_cert(cert, key, "AZT000000XXXXX", token).refused("order-none", 404)
    office.request_cert(cert, key, number, token, subject="/CN=somebody else").refused("csr-invalid", 422)
    office.request_cert(cert, cert.key, number, token).refused("csr-invalid", 422)
    tap.equal(office.request_cert(cert, office.key("rsa:3072"), number, token).refused("algorithm-not-allowed", 422)["param"], "rsa:3072")
    office.post(f"/v1/orders/{number}/requests", dict(body, role="encryption"), token).refused("invalid-field", 422)
    office.post(f"/v1/orders/{number}/requests", dict(body, challenge=office.challenge("login")["id"]), token).refused("challenge-invalid", 409)
    tap.equal(office.get(f"/v1/orders/{number}", token).good()["state"], "paid")
    office.post(f"/v1/orders/{number}/requests", body, token).good()


@tap.test("SM2 is refused by its name, in a certificate and in a request, with either distinguishing id")
def _():
    key = office.path("sm2.key")
    openssl("genpkey", "-quiet", "-algorithm", "SM2", "-out", key)
    csr, pem = office.path("csr.pem"), office.path("sm2.pem")
    openssl("req", "-new", "-key", key, "-sm3", "-subj", "/CN=sm2", "-out", csr)
    openssl("x509", "-req", "-in", csr, "-CA", f"{office.dir}/ca/ca.pem", "-CAkey", f"{office.dir}/ca/ca.key", "-days", "20", "-out", pem)
    cert = office.cert()
    sm2 = offices.Cert(cert.key, pem, "/CN=sm2")
    tap.equal(office.try_login(sm2).refused("algorithm-not-allowed", 422)["param"], "sm2")
    token = office.login(cert)
    number = office.paid_order(cert, token)
    good = office.key()
    for more in ([], ["-sigopt", "distid:1234567812345678"]):
        request = openssl("req", "-new", "-utf8", "-key", key, "-sm3", "-subj", cert.subject, "-outform", "DER", *more)
        body = dict(office.cert_request(cert, good, number), csr=b64(request))
        tap.equal(office.post(f"/v1/orders/{number}/requests", body, token).refused("algorithm-not-allowed", 422)["param"], "sm2")
    office.request_cert(cert, good, number, token).good()


@tap.test("The operator's list shows the orders")
def _():
    tap.contains(office.certhalld("orders", "--json").stdout, '"state": "installed"')
    tap.contains(office.certhalld("orders").stdout, "AZT")


@tap.test("The service ends cleanly, and nothing personal is in its log")
def _():
    tap.equal(office.stop(), 0)
    with open(f"{office.dir}/hall.log") as file:
        log = file.read()
    for text in ("测试人", "13800000000", "91110000MA", "Bearer"):
        tap.check(text not in log, text)


tap.run()
