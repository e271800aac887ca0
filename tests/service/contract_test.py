"""Every operation of docs/api.yaml with each of its answers, and every problem that they can give."""
import concurrent.futures
import contextlib
import functools
import base64
import hashlib
import json
import os
import re
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.environ.get("top_srcdir") or os.path.realpath(os.path.join(os.path.dirname(__file__), "../..")), "tests/lib"))
import tap  # noqa: E402

os.environ.setdefault("top_srcdir", tap.top_srcdir)
import api  # noqa: E402
import hall  # noqa: E402
from api import APPLICANT, Certificate, Client, Holder, Key, Stream, b64, openssl  # noqa: E402
from contract import Contract  # noqa: E402
from talk import Agent, Customer, Events  # noqa: E402

CONTRACT = Contract()
PLAIN_RATES = "limits = { address_rate = 0; certificate_rate = 0; captcha_rate = 0; body = 16384; };\n"
ONE = [("测试甲精密机械有限公司（样票）", "ec:P-256", -345, 20)]
codes = set()


def hall_with(*lines):
    return hall.Hall(certs=ONE, settings={"log = {": "\n".join(lines) + "\nlog = {"})


where = hall_with("rekeys = 1;", "stream = { heartbeat = 1; max_age = 3600; };", PLAIN_RATES)
client = Client(where, CONTRACT)
client.codes = codes


def database(*statement):
    with sqlite3.connect(os.path.join(where.dir, "hall/certhall.db"), timeout=20) as db:
        db.execute(*statement)
    db.close()


def query_database(text, *values):
    with contextlib.closing(sqlite3.connect(os.path.join(where.dir, "hall/certhall.db"), timeout=20)) as db:
        return db.execute(text, values).fetchall()


def holder(**certificate):
    return Holder(client, Certificate(where, **certificate))


@tap.test("what needs no login is answered")
def _():
    info = client.get("/v1/hall").is_ok()
    tap.equal(info["audience"], "demo.certhall.test")
    tap.equal(client.get("/healthz").is_ok(), None)
    challenge = client.challenge("login")
    tap.check(challenge["nonce"] != client.challenge("login")["nonce"], "a nonce twice")


@tap.test("where certificates stand is told to anybody, in the order asked")
def _():
    good, early, late = Certificate(where), Certificate(where, days=(-165, 200)), Certificate(where, days=(-765, -400))
    expired, future, foreign = Certificate(where, days=(-405, -40)), Certificate(where, days=(10, 375)), Certificate(where, self_signed=True)
    asked = [good, early, late, expired, future, foreign]
    answer = client.post("/v1/standings", {"certificates": [{"der": b64(c.der)} for c in asked] + [{"der": b64(b"no certificate")}]}).is_ok()
    tap.equal([c["standing"] for c in answer["certificates"]],
              ["renewable", "too-early", "too-late", "expired-renewable", "not-yet-valid", "unknown-issuer", "malformed"])
    tap.equal([c.get("fingerprint") for c in answer["certificates"]], [c.fingerprint for c in asked] + [None])
    tap.equal(client.post("/v1/standings", {"certificates": []}).is_ok()["certificates"], [])
    too_many = json.dumps({"certificates": [{"der": ""}] * 33}).encode()
    client.post("/v1/standings", body=too_many).is_problem(422, "invalid-field", "certificates")


@tap.test("what may not log in is told why")
def _():
    for days, code in (((-165, 200), "renewal-too-early"), ((-765, -400), "renewal-too-late"), ((10, 375), "certificate-not-yet-valid")):
        holder(days=days).try_login().is_problem(403, code)
    holder(self_signed=True).try_login().is_problem(403, "certificate-unknown-issuer")
    revoked = holder()
    where.certhalld("revoke", "--serial", revoked.certificate.serial, "--reason", "keyCompromise")
    revoked.try_login().is_problem(403, "certificate-revoked")
    odd = dict(holder().login_request(), certificate=b64(b"no certificate"))
    client.post("/v1/sessions", odd).is_problem(400, "certificate-malformed")


@tap.test("a login's signature and challenge are looked at")
def _():
    person, other = holder(), holder()
    good = person.login_request()
    wrong = dict(good, signature=other.login_request()["signature"])
    client.post("/v1/sessions", wrong).is_problem(403, "signature-invalid")
    client.post("/v1/sessions", dict(good, algorithm="RSA-SHA256")).is_problem(403, "signature-invalid")
    client.post("/v1/sessions", good).is_ok(201)
    client.post("/v1/sessions", good).is_problem(409, "challenge-invalid")
    client.post("/v1/sessions", person.login_request(client.challenge("install"))).is_problem(409, "challenge-invalid")
    client.post("/v1/sessions", dict(good, challenge="0" * 62)).is_problem(409, "challenge-invalid")
    client.post("/v1/challenges", body=b'{"purpose":"tea"}').is_problem(422, "invalid-field", "purpose")
    for name in ("challenge", "certificate", "algorithm", "signature"):
        lacking = {key: value for key, value in good.items() if key != name}
        client.post("/v1/sessions", body=json.dumps(lacking).encode()).is_problem(422, "invalid-field", name)
    client.post("/v1/sessions", body=json.dumps(dict(good, signature="*")).encode()).is_problem(422, "invalid-field", "signature")


@tap.test("a session is told, ends when asked, and when it was idle for too long")
def _():
    person = holder()
    session = person.login()
    again = client.get("/v1/session", person.token).is_ok()
    tap.equal("token" in again, False)
    tap.equal({key: again[key] for key in ("project", "standing")}, {key: session[key] for key in ("project", "standing")})
    tap.equal(client.call("DELETE", "/v1/session", token=person.token).status, 204)
    answer = client.get("/v1/session", person.token).is_problem(401, "session-needed")
    tap.contains(answer.headers["WWW-Authenticate"], 'error="invalid_token"') # RFC 6750 section 3.1
    person.login()
    database("UPDATE session SET used = used - 16 * 60 WHERE token_sha256 = ?", (hashlib.sha256(person.token.encode()).hexdigest(),))
    client.get("/v1/session", person.token).is_problem(401, "session-needed")


def everything_with_a_session(number):
    yield from (("GET", "/v1/session"), ("DELETE", "/v1/session"), ("POST", "/v1/orders"))
    yield from (("GET", f"/v1/orders/{number}{tail}") for tail in ("", "/events"))
    yield from (("POST", f"/v1/orders/{number}{tail}") for tail in ("/payment", "/payment/query", "/cancel", "/requests", "/installed"))


@tap.test("without a session there is nothing personal, and another's order stays another's")
def _():
    owner, other = holder(), holder()
    owner.login()
    owner.order()
    other.login()
    for method, path in everything_with_a_session(owner.number):
        body = b"{}" if method == "POST" else None
        answer = client.call(method, path, body=body).is_problem(401, "session-needed")
        tap.equal("error=" in answer.headers["WWW-Authenticate"], False, "no token was given (RFC 6750 3.1)")
        for authorization in ("Bearer " + "0" * 64, "Bearer x", "Basic dGVzdDp0ZXN0"):
            client.call(method, path, body=body, headers={"Authorization": authorization}).is_problem(401, "session-needed")
        if owner.number in path:
            client.call(method, path, token=other.token, body=body).is_problem(403, "forbidden")
            client.call(method, path.replace(owner.number, "AZT000000NONE0"), token=other.token, body=body).is_problem(404, "order-none")
            client.call(method, path.replace(owner.number, owner.number.lower()), token=owner.token, body=body).is_problem(404, "order-none")


@tap.test("an order is held to what it must say")
def _():
    person = holder()
    person.login()

    def submit(change, acknowledged=True):
        value = {"applicant": {key: value for key, value in dict(APPLICANT, **change).items() if value is not None}, "acknowledged": acknowledged}
        return client.post("/v1/orders", token=person.token, body=json.dumps(value).encode())

    submit({}, acknowledged=False).is_problem(422, "acknowledgement-needed")
    for name, value in (("contact", None), ("contact", ""), ("phone", "12"), ("title", "样" * 51), ("tax_no", "91350211M0001"),
                        ("email", "nobody"), ("invoice_kind", "paper"), ("contact", 7), ("detailed", "yes")):
        submit({name: value}).is_problem(422, "invalid-field", name)
    client.post("/v1/orders", token=person.token, body=b'{"acknowledged":true}').is_problem(422, "invalid-field", "applicant")


@tap.test("asking for an order again gives the same one, brought up to date")
def _():
    person = holder()
    person.login()
    first = person.order()
    same = person.order(200)
    tap.equal(dict(same, time=None), dict(first, time=None))
    changed = person.order(200, contact="测试另一人")
    tap.equal((changed["number"], changed["applicant"]["contact"]), (first["number"], "测试另一人"))
    tap.check(changed["revision"] > first["revision"], "the revision stands still")
    tap.equal(person.get().is_ok()["revision"], changed["revision"])
    session = person.login()
    tap.equal((session["order"]["number"], session["applicant"]["contact"]), (first["number"], "测试另一人"))
    brief = client.post("/v1/standings", {"certificates": [{"der": b64(person.certificate.der)}]}).is_ok()["certificates"][0]["order"]
    tap.equal((brief["number"], brief["state"]), (first["number"], "created"))


@tap.test("an unpaid order can be paid by one code, cancelled once and for all, and then only made anew")
def _():
    person = holder()
    person.login()
    person.order()
    key = Key(where, "ec:P-256")
    person.post("/requests", person.cert_request(key)).is_problem(409, "not-paid")
    person.post("/installed", person.install_report(key, b"none yet")).is_problem(409, "order-state")
    code = person.post("/payment").is_ok()["payment"]["qr_url"]
    tap.equal(person.post("/payment").is_ok()["payment"]["qr_url"], code)
    tap.equal(person.post("/payment/query").is_ok()["state"], "paying")
    person.post("/requests", person.cert_request(key)).is_problem(409, "not-paid")
    for _ in range(2):
        tap.equal(person.post("/cancel").is_ok()["state"], "cancelled")
    person.post("/payment").is_problem(409, "order-state")
    person.post("/requests", person.cert_request(key)).is_problem(409, "order-state")
    with Stream(person) as stream:
        tap.equal(stream.next()["state"], "cancelled")
        tap.equal(stream.next(), None, "nothing more will come")
    old = person.number
    tap.check(person.order(201)["number"] != old, "the cancelled one came back")


@tap.test("a gateway that fails is told as such, and the order goes on when it is back")
def _():
    person = holder()
    person.login()
    person.order()
    where.bank.stop()
    person.post("/payment").is_problem(502, "payment-unavailable")
    where.bank_port = where.bank.start()
    person.post("/payment").is_ok()
    client.faults(status_unknown=-1)
    person.post("/payment/query").is_problem(502, "payment-unknown")
    client.faults(status_unknown=0)
    client.faults(drop_notify=-1)
    client.pay(person.number)
    client.faults(drop_notify=0)
    where.bank.stop()
    person.post("/cancel").is_problem(502, "payment-unknown") # whether its code is closed, that is
    where.bank_port = where.bank.start()
    tap.equal(person.post("/cancel").is_ok()["state"], "paid", "the payer was faster")
    tap.equal(person.post("/payment").is_ok()["state"], "paid")
    tap.equal(person.post("/cancel").is_ok()["state"], "paid")


@tap.test("another amount than the price is kept and told of, and nobody is asked to pay again")
def _():
    person = holder()
    person.ready_to_pay()
    client.faults(drop_notify=1)
    bills = [b for b in client.bank("GET", "/control/ledger")["bills"] if b["description"] == person.number]
    client.bank("POST", "/control", {"do": "pay", "bill": bills[-1]["bill_no"], "amount": 1})
    person.post("/payment/query").is_problem(409, "payment-held")
    person.post("/payment").is_problem(409, "payment-held")
    tap.equal(person.get().is_ok()["state"], "paying")
    tap.equal(person.post("/cancel").is_ok()["state"], "cancelled")


@tap.test("events begin with the present state, go on after the last one seen, and beat")
def _():
    person = holder()
    person.login()
    first = person.order()
    with Stream(person) as fresh, Stream(person, first["revision"]) as later:
        tap.equal(fresh.next()["revision"], first["revision"])
        tap.equal(later.next(heartbeat=True), None)
        tap.check(later.heartbeats > 0, "no heartbeat")
        changed = person.order(200, contact="测试另一人")
        for stream in (fresh, later):
            tap.equal(stream.next()["revision"], changed["revision"])
    with Stream(person, first["revision"]) as stream:
        tap.equal(stream.next()["revision"], changed["revision"])
    person.post("/cancel").is_ok()


def renewal(old, new):
    person = holder(algorithm=old)
    promised = person.login()["new_not_after"]
    tap.equal(person.paid()["state"], "paid")
    key = Key(where, new)
    asked = person.cert_request(key)
    issued = person.post("/requests", asked).is_ok()
    tap.equal((issued["state"], issued["new_not_after"]), ("issued", promised))
    der = api.base64.b64decode(issued["items"][0]["certificate"])
    for repeat in (asked, person.cert_request(key)):
        again = person.post("/requests", repeat).is_ok()
        tap.equal((again["items"], again["revision"]), (issued["items"], issued["revision"]), "the same request, another certificate")
    api.check_certificate(der, key, person.certificate, issued["chain"], promised)
    report = person.install_report(key, der)
    wrong = Key(where, "ec:P-256")
    person.post("/installed", dict(report, signature=person.install_report(wrong, der)["signature"])).is_problem(403, "signature-invalid")
    person.post("/installed", dict(report, certificate_sha256="0" * 64)).is_problem(422, "invalid-field", "certificate_sha256")
    person.post("/installed", dict(report, challenge="0" * 62)).is_problem(409, "challenge-invalid")
    done = person.post("/installed", report).is_ok()
    tap.equal(done["state"], "installed")
    for repeat in (report, person.install_report(key, der)):
        again = person.post("/installed", repeat).is_ok()
        tap.equal((again["state"], again["revision"]), ("installed", done["revision"]))
    person.try_login().is_problem(403, "certificate-superseded")
    tap.equal(person.post("/cancel").is_ok()["state"], "installed")
    tap.equal(person.post("/payment/query").is_ok()["state"], "installed")
    standing = client.post("/v1/standings", {"certificates": [{"der": b64(person.certificate.der)}]}).is_ok()["certificates"][0]
    tap.equal((standing["standing"], "replaced_until" in standing), ("superseded", True))
    client.post("/v1/orders", {"applicant": APPLICANT, "acknowledged": True}, person.token).is_problem(403, "certificate-superseded")
    revoked = openssl("crl", "-inform", "DER", "-noout", "-text", input=client.get("/v1/crl").body).decode()
    tap.contains(revoked, person.certificate.serial)


for _algorithm in ("rsa:2048", "ec:P-256"):
    tap.test(f"a renewal to {_algorithm}, each step asked for twice")(functools.partial(renewal, _algorithm, _algorithm))


@tap.test("a request for a certificate is looked at, and may come with another key only so often")
def _():
    person, other = holder(), Certificate(where)
    person.paid()
    key = Key(where, "ec:P-256")
    good = person.cert_request(key)
    person.post("/requests", dict(good, csr=b64(b"no request"))).is_problem(422, "csr-invalid")
    person.post("/requests", person.cert_request(key, subject="/C=CN/CN=another")).is_problem(422, "csr-invalid")
    person.post("/requests", person.cert_request(person.certificate.key)).is_problem(422, "csr-invalid")
    person.post("/requests", person.cert_request(key, signer=other)).is_problem(422, "proof-invalid")
    person.post("/requests", person.cert_request(key, content=b"something else")).is_problem(422, "proof-invalid")
    person.post("/requests", dict(good, proof=b64(b"no message"))).is_problem(422, "proof-invalid")
    person.post("/requests", person.cert_request(Key(where, "ec:P-384"))).is_problem(422, "algorithm-not-allowed")
    person.post("/requests", person.cert_request(key, challenge=client.challenge("login"))).is_problem(409, "challenge-invalid")
    person.post("/requests", dict(good, role="encryption")).is_problem(422, "invalid-field", "role")
    first = person.post("/requests", good).is_ok()["items"][0]["certificate"]
    second = Key(where, "ec:P-256")
    tap.check(person.post("/requests", person.cert_request(second)).is_ok()["items"][0]["certificate"] != first, "one for two keys")
    person.post("/requests", person.cert_request(Key(where, "ec:P-256"))).is_problem(409, "key-other")
    person.post("/requests", good).is_problem(409, "key-other")


@tap.test("a challenge that issued a certificate is used up")
def _():
    person = holder()
    person.paid()
    challenge = client.challenge("request")
    person.post("/requests", person.cert_request(Key(where, "ec:P-256"), challenge=challenge)).is_ok()
    person.post("/requests", person.cert_request(Key(where, "ec:P-256"), challenge=challenge)).is_problem(409, "challenge-invalid")


@tap.test("components are listed, and downloaded whole or in parts")
def _():
    signed = client.get("/v1/packages").is_ok()
    packages = json.loads(api.base64.b64decode(signed["manifest"]))
    CONTRACT.validate({"$ref": "#/components/schemas/PackageList"}, packages, "manifest")
    package = packages["packages"][0]
    path = f"/v1/packages/{package['id']}/content"
    whole = client.get(path)
    tap.equal((whole.status, len(whole.body), hashlib.sha256(whole.body).hexdigest()), (200, package["size"], package["sha256"]))
    size, tag = package["size"], whole.headers["ETag"]
    tap.check(re.fullmatch(r'"[!#-~]+"', tag), f"ETag {tag}")
    for asked, start, end in (("bytes=10-19", 10, 20), (f"bytes={size - 5}-", size - 5, size), ("bytes=-7", size - 7, size), (f"bytes=0-{size * 2}", 0, size)):
        part = client.get(path, Range=asked, If_Range=tag)
        tap.equal((part.status, part.body), (206, whole.body[start:end]), asked)
        tap.equal(part.headers["Content-Range"], f"bytes {start}-{end - 1}/{size}")
        tap.equal(part.headers["ETag"], tag)
    for asked in ("bytes=0-1,4-5", "lines=0-1", "bytes=5-2", "bytes=", "bytes=x-1"):
        tap.equal(client.get(path, Range=asked).status, 200, asked)
    tap.equal(client.get(path, Range="bytes=10-19", If_Range='"another"').status, 200)
    for asked in (f"bytes={size}-", "bytes=-0", "bytes=99999999999999999999-"):
        answer = client.get(path, Range=asked).is_problem(416, "range")
        tap.equal(answer.headers["Content-Range"], f"bytes */{size}", asked)
    client.get("/v1/packages/none/content").is_problem(404, "package-none")
    signature = os.path.join(where.dir, "hall/packages/manifest.p7s")
    os.rename(signature, signature + ".away")
    for missing in ("/v1/packages", path):
        client.get(missing).is_problem(404, "not-found")
    os.rename(signature + ".away", signature)
    tap.equal(client.get("/v1/packages").is_ok(), signed)


@tap.test("the gateway's notification is answered in its words, and a forged one changes nothing")
def _():
    person = holder()
    person.ready_to_pay()
    path = "/v1/notify/chinaums"
    head = {"Content-Type": "application/x-www-form-urlencoded"}
    bill = [b for b in client.bank("GET", "/control/ledger")["bills"] if b["description"] == person.number][-1]
    forged = api.form({"mid": "000000000000001", "tid": "00000001", "billNo": bill["bill_no"], "billStatus": "PAID", "totalAmount": "36000", "sign": "0" * 64})
    tap.equal(client.call("POST", path, body=forged, headers=head).body, b"FAILED")
    tap.equal(person.get().is_ok()["state"], "paying")
    client.call("POST", path, body=b"{}").is_problem(415, "unsupported-media")
    client.call("POST", "/v1/notify/nobody", body=forged, headers=head).is_problem(404, "not-found")
    client.faults(notify_bad_sign=1)
    with Stream(person, person.get().is_ok()["revision"]) as stream:
        client.pay(person.number)
        tap.equal(stream.until("paid")["payment"]["wallet"] != "", True, "the bank tries again")


@tap.test("what is asked wrongly is refused at the door")
def _():
    for path in ("/", "/v1", "/v1/", "/v1/halls", "/v1/hall/", "//v1/hall", "/v1/orders", "/v1/orders/", "/v1/orders/A/B", "/V1/hall"):
        answer = client.get(path)
        tap.equal(answer.status, 405 if path == "/v1/orders" else 404, path)
    client.get("/v1/nothing").is_problem(404, "not-found")
    for path, allowed in (("/v1/hall", {"GET"}), ("/v1/session", {"GET", "DELETE"}), ("/v1/orders", {"POST"}), ("/v1/orders/AZT0000000000", {"GET"})):
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - allowed:
            answer = client.call(method, path).is_problem(405, "method-not-allowed")
            tap.equal(set(answer.headers["Allow"].split(", ")), allowed, method + path)
    for kind in ("text/plain", "application/jsonx", "application/json; charset=gbk", "application/x-www-form-urlencoded"):
        client.call("POST", "/v1/challenges", body=b'{"purpose":"login"}', headers={"Content-Type": kind}).is_problem(415, "unsupported-media")
    client.call("POST", "/v1/challenges", body=b'{"purpose":"login"}', headers={"Content-Type": "Application/JSON ; charset=UTF-8"}).is_ok(201)
    for body in (b"", b"{", b"[]", b"null", b'"login"', b'{"purpose":"login"}x', b"{'purpose':'login'}", b'{"purpose":"login",}'):
        client.post("/v1/challenges", body=body).is_problem(400, "bad-input")
    client.post("/v1/challenges", body=b'{"purpose":"' + b"x" * 20000 + b'"}').is_problem(413, "too-large")
    for template, item in CONTRACT.document["paths"].items():
        for method in set(item) & {"get", "delete"}: # none of them has a body
            path = re.sub(r"\{[a-z]+\}", "AZT0000000000", template)
            path = path if template == "/healthz" else "/v1" + path
            client.call(method.upper(), path, body=b"{}").is_problem(413, "too-large")


@contextlib.contextmanager
def another_hall(*lines):
    global where, client
    kept = where, client
    with hall_with(*lines) as where:
        client = Client(where, CONTRACT)
        client.codes = codes
        yield
    where, client = kept


@tap.test("more than can wait for the gateway is sent away, and the rest is not disturbed")
def _():
    with another_hall("limits = { address_rate = 0; certificate_rate = 0; gateway_workers = 1; waiting = 1; };"):
        person = holder()
        person.ready_to_pay()
        client.faults(slow_ms=3000)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: person.post("/payment/query"), range(4)))
        tap.equal({answer.status for answer in answers}, {200, 503})
        for answer in answers:
            if answer.status == 503:
                answer.is_problem(503, "net-overloaded")
        tap.equal(person.get().is_ok()["state"], "paying")


@tap.test("too many requests, of an address and of a certificate, are told when to come back")
def _():
    with another_hall("limits = { address_rate = 30; address_burst = 8; certificate_rate = 1; certificate_burst = 2; };"):
        person = holder()
        person.login()
        for _ in range(2):
            client.get("/v1/session", person.token).is_ok()
        answer = client.get("/v1/session", person.token).is_problem(429, "rate-limited")
        tap.check(30 < int(answer.headers["Retry-After"]) <= 60, answer.headers["Retry-After"])
        while client.get("/v1/hall").status == 200:
            pass
        answer = client.get("/v1/hall").is_problem(429, "rate-limited")
        tap.check(1 <= int(answer.headers["Retry-After"]) <= 2, answer.headers["Retry-After"])
        tap.equal(client.get("/healthz").status, 200, "who watches is not limited")


@tap.test("the help centre's content, in a language it has, and once only")
def _():
    answer = client.get("/v1/help/zh_CN")
    manifest = json.loads(base64.b64decode(answer.is_ok()["manifest"]))
    CONTRACT.validate({"$ref": "#/components/schemas/HelpBundle"}, manifest, "help bundle")
    tap.equal(client.get("/v1/help/zh_CN", If_None_Match=answer.headers["ETag"]).status, 304)
    client.get("/v1/help/xx").is_problem(404, "not-found")


@tap.test("invoices: a picture, a query, a page, the documents")
def _():
    person = holder()
    person.paid()
    key = Key(where, "ec:P-256")
    der = base64.b64decode(person.post("/requests", person.cert_request(key)).is_ok()["items"][0]["certificate"])
    person.post("/installed", person.install_report(key, der)).is_ok()
    sealed = time.monotonic() + 60
    while not query_database("SELECT 1 FROM invoice WHERE number = ? AND state = 1", person.number):
        tap.check(time.monotonic() < sealed, "no invoice")
    picture = client.post("/v1/captchas").is_ok(201)
    answer = query_database("SELECT answer FROM captcha WHERE id = ?", picture["id"])[0][0]
    asked = {name: APPLICANT[name] for name in ("title", "tax_no", "phone")}
    client.post("/v1/invoices/query", {**asked, "captcha": picture["id"], "answer": "none"}).is_problem(403, "invoice-no-match")
    picture = client.post("/v1/captchas").is_ok(201)
    answer = query_database("SELECT answer FROM captcha WHERE id = ?", picture["id"])[0][0]
    page = client.post("/v1/invoices/query", {**asked, "captcha": picture["id"], "answer": answer}).is_ok()
    client.post("/v1/invoices/page", {"next": ""}, page["grant"]).is_ok()
    client.post("/v1/invoices/page", {"next": ""}).is_problem(404, "invoice-none")
    invoice = next(one for one in page["invoices"] if one["order"] == person.number)
    for kind in ("pdf", "xml"):
        path = f"/v1/invoices/{invoice['id']}/{kind}"
        tap.equal(client.get(path, page["grant"]).status, 200)
        tap.equal(client.get(path, page["grant"], Range="bytes=0-3").status, 206)
        client.get(path).is_problem(404, "invoice-none")
    database("DELETE FROM invoice_file")
    client.get(path, page["grant"]).is_problem(409, "invoice-waiting")
    client.post("/v1/captchas", body=b"x" * 20000).is_problem(413, "too-large")


@tap.test("live service: both sides' operations")
def _():
    nobody = Customer(client)
    client.get("/v1/service").is_ok()
    nobody.begin().is_problem(409, "chat-nobody")
    Agent(client, known=False).be("online").is_problem(403, "staff-only")
    agent, boss, customer = Agent(client), Agent(client, name="测试班长", role="supervisor"), Customer(client)
    agent.be("online").is_ok()
    agent.desk()
    customer.begun()
    customer.state()
    agent.taken()
    agent.take().is_problem(404, "chat-none")
    agent.id = boss.id = customer.id
    with contextlib.closing(Events(client, customer.path("/events"), customer.token)), contextlib.closing(Events(client, "/v1/desk/events", agent.token)):
        customer.say("一").is_ok()
        customer.say("密码 123456").is_problem(422, "chat-pin")
        customer.mark(got=1)
        customer.history()
    boss.say("一").is_problem(403, "chat-read-only")
    customer.ask("/leave", {"callback": "13800000000", "text": "二"}).is_problem(409, "chat-closed")
    customer.ask("/transfer", {}).is_problem(403, "staff-only")
    agent.ask("/transfer", {"note": "二"}).is_ok()
    agent.say("三").is_problem(409, "chat-taken")
    customer.ask("/leave", {"callback": "13800000000", "text": "二"}).is_ok()
    agent.taken(customer.id)
    agent.close().is_ok()
    agent.close().is_ok()
    for tail, value in (("/messages", {"id": "0" * 32, "kind": "text", "body": "x"}), ("/history", {"after": 0}), ("/marks", {}), ("/close", {})):
        nobody.id, nobody.token = "f" * 32, agent.token
        nobody.ask(tail, value).is_problem(404, "chat-none")
    client.get(nobody.path(), token=agent.token).is_problem(404, "chat-none")


@tap.test("the whole contract was walked, and the service has no way in beside it")
def _():
    wanted = set()
    for template, item in CONTRACT.document["paths"].items():
        for method in set(item) & {"get", "post", "delete"}:
            operation = item[method]
            wanted |= {(operation["operationId"], "problem" if status == "default" else int(status)) for status in operation["responses"]}
    tap.equal(wanted - CONTRACT.covered, set())
    tap.contains(CONTRACT.covered, ("followOrder", "event"))
    with open(os.path.join(tap.top_srcdir, "src/service/routes.c"), encoding="utf-8") as file:
        served = set(re.findall(r'\{ "([A-Z]+)", "([^"]+)"', file.read()))
    promised = {(method.upper(), template if template == "/healthz" else "/v1" + template)
                for template, item in CONTRACT.document["paths"].items() for method in set(item) & {"get", "post", "put", "patch", "delete"}}
    tap.equal(served, promised)


# What only a defect, a full disk or a broken CA brings about, or what is told to staff alone.
NOT_WALKED = {"ok", "invoice-refused", "unexpected", "no-memory", "config", "file", "storage", "ca-failed", "staff-refused"}


@tap.test("every problem that the routes' sources name was seen")
def _():
    def source(path):
        with open(os.path.join(tap.top_srcdir, path), encoding="utf-8") as file:
            return file.read()

    names = dict(re.findall(r'^X\((\w+), "([a-z-]+)"', source("include/certhall/error_codes.h"), re.M))
    folder = os.path.join(tap.top_srcdir, "src/service")
    sources = [name for name in os.listdir(folder) if name.endswith(".c") and name != "settings.c"]
    named = {names[code] for name in sources for code in re.findall(r"\bERR_([A-Z_]+)\b", source("src/service/" + name))}
    named |= {names[code] for code in ("SIGNATURE_INVALID", "CSR_INVALID", "PROOF_INVALID")} # said by src/pki
    tap.equal(named - NOT_WALKED - codes, set())


tap.run()
