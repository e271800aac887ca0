"""A client of the hall that knows nothing but docs/api.yaml, and holds every answer, and what it sends, to it.

Keys, requests and signatures are the openssl command's.
"""
import base64
import hashlib
import http.client
import json
import os
import re
import ssl
import subprocess
import time
import urllib.parse

import tap
from contract import Contract

DAY = 86400
APPLICANT = {"contact": "测试人", "phone": "13800000000", "title": "测试样票有限公司", "tax_no": "91350211M000100Y43", "invoice_kind": "electronic"}
_SIGNATURES = {"rsa:2048": "RSA-SHA256", "rsa:3072": "RSA-SHA256", "ec:P-256": "ecdsa-with-SHA256", "ec:P-384": "ecdsa-with-SHA384"}


def b64(data):
    return base64.b64encode(data).decode()


def utc(days):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * DAY))


def statement(purpose, challenge, order, matter):
    """What is signed (include/certhall/pki.h)."""
    lines = ["certhall-v1", purpose, challenge["audience"], order, challenge["nonce"], hashlib.sha256(matter).hexdigest()]
    return "".join(line + "\n" for line in lines).encode()


def openssl(*arguments, input=None):
    done = subprocess.run(["openssl", *arguments], input=input, capture_output=True)
    tap.check(done.returncode == 0, f"openssl {arguments}: {done.stderr.decode(errors='replace')}")
    return done.stdout


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def is_ok(self, status=200):
        tap.equal(self.status, status, self.body[:400].decode(errors="replace"))
        return self.json if self.body and "json" in self.headers["Content-Type"] else None

    def is_problem(self, status, code, param=None):
        tap.equal((self.status, self.json.get("code")), (status, code), self.body[:400].decode(errors="replace"))
        tap.equal(self.headers["Content-Type"], "application/problem+json")
        tap.equal(self.json["type"], "urn:certhall:problem:" + code)
        if param is not None:
            tap.equal(self.json.get("param"), param)
        return self


def check_headers(answer, where):
    """Of every answer, whatever it is. Nothing is kept by anybody on the way (RFC 9111 5.2.2.5)."""
    tap.equal(answer.headers.get("Cache-Control"), "no-store", where)
    tap.equal(answer.headers.get("X-Content-Type-Options"), "nosniff", where)
    if answer.status == 401: # RFC 6750 section 3: the scheme and at least one parameter
        tap.check(re.match(r'Bearer [a-z]+="', answer.headers.get("WWW-Authenticate", "")), f"{where}: WWW-Authenticate {answer.headers.get('WWW-Authenticate')!r}")
    if answer.status in (429, 503):
        tap.check(answer.headers.get("Retry-After", "").isdigit(), f"{where}: no Retry-After")
    if answer.status == 405:
        tap.check(answer.headers.get("Allow"), f"{where}: no Allow")
    for name in ("Server", "X-Powered-By"):
        tap.check(name not in answer.headers, f"{where}: tells {name}")


class Client:
    def __init__(self, hall, contract=None):
        self.hall = hall
        self.contract = contract or Contract()
        self.tls = ssl.create_default_context(cafile=hall.ca_file)
        self.codes = set()

    def connect(self, timeout=60):
        return http.client.HTTPSConnection("127.0.0.1", self.hall.port, context=self.tls, timeout=timeout)

    def take(self, method, path, response, body=None):
        """Reads an answer and holds it to the contract."""
        if body is None: # a stream does not end
            body = response.read() if response.headers.get("Content-Type") != "text/event-stream" else b""
        answer = Answer(response.status, response.headers, body)
        where = f"{method} {path} -> {answer.status}"
        if method != "HEAD":
            self.contract.check(method, path, answer.status, answer.headers.get("Content-Type"), answer.body)
        check_headers(answer, where)
        if answer.status >= 400 and answer.body:
            self.codes.add(answer.json["code"])
        return answer

    def call(self, method, path, value=None, token=None, body=None, headers=None):
        """value: JSON within the contract. body: any bytes, for what is meant to break it."""
        head = dict(headers or {})
        if token:
            head["Authorization"] = "Bearer " + token
        if value is not None:
            self.contract.check_request(method, path, value)
            body = json.dumps(value, ensure_ascii=False).encode()
        if body is not None:
            head.setdefault("Content-Type", "application/json")
        connection = self.connect()
        try:
            connection.request(method, path, body, head)
            return self.take(method, path, connection.getresponse())
        finally:
            connection.close()

    def get(self, path, token=None, **headers):
        return self.call("GET", path, token=token, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path, value=None, token=None, body=None):
        return self.call("POST", path, value, token, body)

    def challenge(self, purpose):
        return self.post("/v1/challenges", {"purpose": purpose}).is_ok(201)

    # ---- the bank's side ----

    def bank(self, method, path, value=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.hall.bank_port, timeout=60)
        try:
            connection.request(method, path, json.dumps(value) if value is not None else None, {"Content-Type": "application/json"})
            response = connection.getresponse()
            body = response.read()
            tap.equal(response.status, 200, body.decode(errors="replace"))
            return json.loads(body)
        finally:
            connection.close()

    def faults(self, **faults):
        self.bank("POST", "/control", {"set": faults})

    def pay(self, number):
        """The payer pays the order's newest bill; the bank notifies."""
        bills = [b for b in self.bank("GET", "/control/ledger")["bills"] if b["description"] == number]
        self.bank("POST", "/control", {"do": "pay", "bill": bills[-1]["bill_no"]})


class Key:
    """A key in a file. algorithm as in the contract: rsa:2048, ec:P-256 ..."""
    _count = 0

    def __init__(self, hall, algorithm):
        Key._count += 1
        self.hall, self.algorithm = hall, algorithm
        self.base = os.path.join(hall.dir, "run", f"key{Key._count}")
        kind, size = algorithm.split(":")
        options = {"rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:" + size], "ec": ["EC", "-pkeyopt", "ec_paramgen_curve:" + size]}[kind]
        openssl("genpkey", "-quiet", "-algorithm", *options, "-out", self.base + ".key")

    @property
    def signature_algorithm(self):
        return _SIGNATURES[self.algorithm]

    @property
    def digest(self):
        return "sha" + self.signature_algorithm[-3:]

    def sign(self, data):
        return openssl("dgst", "-" + self.digest, "-sign", self.base + ".key", input=data)

    def csr(self, subject):
        return openssl("req", "-new", "-utf8", "-key", self.base + ".key", "-" + self.digest, "-subj", subject, "-outform", "DER")


class Certificate:
    """A certificate with its key, issued by the hall's operator, or made by its own key (another CA's, as the hall sees it)."""

    def __init__(self, hall, algorithm="ec:P-256", days=(-345, 20), name="测试样票有限公司", self_signed=False):
        self.key = Key(hall, algorithm)
        self.subject = f"/C=CN/O={name}/CN={name}"
        self.file = self.key.base + ".pem"
        if self_signed:
            openssl("req", "-x509", "-new", "-utf8", "-key", self.key.base + ".key", "-subj", self.subject, "-days", "20", "-out", self.file)
        else:
            with open(self.key.base + ".csr", "wb") as file:
                file.write(self.key.csr(self.subject))
            hall.certhalld("issue", "--csr", self.key.base + ".csr", "--not-before", utc(days[0]), "--not-after", utc(days[1]), "--out", self.file)
        self.der = openssl("x509", "-in", self.file, "-outform", "DER")

    @property
    def fingerprint(self):
        return hashlib.sha256(self.der).hexdigest()

    @property
    def serial(self):
        return openssl("x509", "-in", self.file, "-noout", "-serial").decode().strip().split("=")[1]

    def cms(self, content):
        return openssl("cms", "-sign", "-binary", "-nodetach", "-nosmimecap", "-md", self.key.digest, "-signer", self.file, "-inkey",
                       self.key.base + ".key", "-outform", "DER", input=content)


def check_certificate(der, key, old, chain, promised):
    """Holds a new certificate to what was asked for and promised; chain: as the order gives it."""
    new, ca = key.base + ".new.pem", key.base + ".ca.pem"
    openssl("x509", "-inform", "DER", "-out", new, input=der)
    openssl("x509", "-inform", "DER", "-out", ca, input=base64.b64decode(chain[-1]["der"]))
    openssl("verify", "-CAfile", ca, new)
    tap.equal(openssl("x509", "-in", new, "-noout", "-pubkey"), openssl("pkey", "-in", key.base + ".key", "-pubout"))
    tap.equal(openssl("x509", "-in", new, "-noout", "-subject"), openssl("x509", "-in", old.file, "-noout", "-subject"))
    end = openssl("x509", "-in", new, "-noout", "-enddate", "-dateopt", "iso_8601").decode().strip()
    tap.equal(end, "notAfter=" + promised.replace("T", " "))


class Holder:
    """Who holds a certificate: logs in, orders, pays and installs as a terminal would."""

    def __init__(self, client, certificate):
        self.client, self.certificate = client, certificate
        self.token = self.number = None

    def login_request(self, challenge=None):
        challenge = challenge or self.client.challenge("login")
        text = statement("login", challenge, "-", self.certificate.der)
        return {"challenge": challenge["id"], "certificate": b64(self.certificate.der), "algorithm": self.certificate.key.signature_algorithm,
                "signature": b64(self.certificate.key.sign(text))}

    def try_login(self):
        return self.client.post("/v1/sessions", self.login_request())

    def login(self):
        session = self.try_login().is_ok(201)
        self.token = session["token"]
        return session

    def order(self, status=201, **details):
        order = self.client.post("/v1/orders", {"applicant": dict(APPLICANT, **details), "acknowledged": True}, self.token).is_ok(status)
        self.number = order["number"]
        return order

    def path(self, tail=""):
        return f"/v1/orders/{self.number}{tail}"

    def get(self, tail=""):
        return self.client.get(self.path(tail), self.token)

    def post(self, tail, value=None):
        return self.client.post(self.path(tail), value, self.token)

    def cert_request(self, key, **change):
        """change: challenge, subject, signer (a Certificate), content."""
        challenge = change.get("challenge") or self.client.challenge("request")
        csr = key.csr(change.get("subject") or self.certificate.subject)
        content = change.get("content") or statement("request", challenge, self.number, csr)
        return {"role": "signing", "challenge": challenge["id"], "csr": b64(csr), "proof": b64((change.get("signer") or self.certificate).cms(content))}

    def install_report(self, key, der, challenge=None):
        challenge = challenge or self.client.challenge("install")
        return {"role": "signing", "challenge": challenge["id"], "certificate_sha256": hashlib.sha256(der).hexdigest(),
                "algorithm": key.signature_algorithm, "signature": b64(key.sign(statement("install", challenge, self.number, der)))}

    def ready_to_pay(self):
        self.login()
        self.order()
        return self.post("/payment").is_ok()

    def paid(self):
        """From the login to the order that is paid, as the bank's notification makes it."""
        with Stream(self, self.ready_to_pay()["revision"]) as stream:
            self.client.pay(self.number)
            return stream.until("paid")


class Stream:
    """An order's events. last: Last-Event-ID."""

    def __init__(self, holder, last=None):
        self.client, self.path = holder.client, holder.path("/events")
        self.connection = self.client.connect(30)
        head = {"Authorization": "Bearer " + holder.token, "Accept": "text/event-stream"}
        if last is not None:
            head["Last-Event-ID"] = str(last)
        self.connection.request("GET", self.path, headers=head)
        self.response = self.connection.getresponse()
        self.answer = self.client.take("GET", self.path, self.response, b"" if self.response.status == 200 else None)
        self.heartbeats = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def next(self, heartbeat=False):
        """The next event's order (WHATWG HTML 9.2.6); None at the stream's end, or at a heartbeat when that is waited for."""
        fields = {}
        for line in iter(self.response.readline, b""):
            line = line.decode().rstrip("\r\n")
            if line.startswith(":"):
                self.heartbeats += 1
                if heartbeat:
                    return None
            elif line:
                name, _, value = line.partition(":")
                fields[name] = (fields[name] + "\n" if name in fields else "") + value.removeprefix(" ")
            elif "data" in fields:
                return self._take(fields)
            else:
                fields = {}
        tap.equal(fields, {}, "cut in the middle of an event")
        return None

    def _take(self, fields):
        tap.equal(fields.get("event"), "order")
        self.client.contract.check_event(fields["data"])
        order = json.loads(fields["data"])
        tap.equal(fields["id"], str(order["revision"]))
        return order

    def until(self, state):
        while True:
            order = self.next()
            tap.check(order is not None, f"the stream ended before {state}")
            if order["state"] == state:
                return order


def form(fields):
    return urllib.parse.urlencode(fields).encode()
