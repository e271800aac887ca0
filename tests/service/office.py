"""A hall's service with a bank, without a terminal: certificates and signatures are made by the openssl command line.

Every answer is held to docs/api.yaml.
"""
import base64
import contextlib
import copy
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.environ.get("top_srcdir") or os.path.realpath(os.path.join(os.path.dirname(__file__), "../..")), "tests/lib"))
import tap

os.environ.setdefault("top_srcdir", tap.top_srcdir)
import contract as contracts

DAY = 86400
APPLICANT = {"contact": "测试人", "phone": "13800000000", "invoice_kind": "electronic", "title": "测试甲精密机械有限公司", "tax_no": "91110000MA000000X1"}
CONTRACT = contracts.Contract()

CONFIG = """
listen = "127.0.0.1:{port}";
tls = {{ certificate = "{dir}/ca/tls.pem"; key = "{dir}/ca/tls.key"; }};
database = "{dir}/hall.db";
hall = {{ name = "测试大厅"; audience = "hall.test"; pay_minutes = 30; invoice_days = 3; code_seconds = {code_seconds}; }};
projects = (
	{{ id = "default"; name = "默认项目"; price_fen = 36000; before_months = 1; after_months = 12; validity_months = 12;
	   algorithms = "rsa:2048,ec:P-256"; }},
	{{ id = "special"; name = "专项"; price_fen = 100; before_months = 2; after_months = 1; validity_months = 24; algorithms = "ec:P-256";
	   match_ou = "专项"; }}
);
ca = {{ backend = "embedded"; certificate = "{dir}/ca/ca.pem"; key = "{dir}/ca/ca.key"; crl_days = 7; }};
packages = {{ folder = "{dir}/packages"; certificate = "{dir}/ca/signer.pem"; key = "{dir}/ca/signer.key"; }};
payment = {{ driver = "chinaums"; transport = "legacy"; url = "http://127.0.0.1:{bank_port}/netpay-route-server/api/"; mid = "000000000000001";
	tid = "00000001"; source_id = "1017"; msg_src = "WWW.CERTHALL.TEST"; sign_type = "SHA256"; key = "sandbox-key-not-secret";
	notify_url = "https://127.0.0.1:{port}/v1/notify/chinaums"; qr_hosts = [ "127.0.0.1" ]; timeout_ms = {gateway_ms}; sandbox = true; }};
sweep = {{ every = 1; first = {sweep_first}; }};
stream = {{ heartbeat = {heartbeat}; max_age = 3600; }};
limits = {{ address_rate = {address_rate}; address_burst = {address_burst}; certificate_rate = {certificate_rate}; certificate_burst = {certificate_burst};
	connections = {connections}; body = 65536; receive = {receive}; }};
log = {{ level = "debug"; }};
{more}
"""
BANK = """
name = "测试数字证书认证中心（模拟）"; mid = "000000000000001"; tid = "00000001"; source_id = "1017"; msg_src = "WWW.CERTHALL.TEST";
key = "sandbox-key-not-secret"; app_id = "demoapp"; app_key = "demokey-not-secret";
"""


def rfc3339(days):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * DAY))


def b64(data):
    return base64.b64encode(data).decode()


def openssl(*arguments, input=None):
    done = subprocess.run(["openssl", *arguments], input=input, capture_output=True)
    if done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def statement(purpose, order, challenge, matter):
    return "\n".join(["certhall-v1", purpose, challenge["audience"], order, challenge["nonce"], hashlib.sha256(matter).hexdigest(), ""]).encode()


class Key:
    """A key pair in a file."""

    def __init__(self, path, algorithm="ec:P-256"):
        self.path = path
        kind, size = algorithm.split(":")
        parameters = ["-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{size}"] if kind == "rsa" else \
            ["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{size}"]
        openssl("genpkey", "-quiet", *parameters, "-out", path)
        self.signature = "RSA-SHA256" if kind == "rsa" else "ecdsa-with-SHA256"

    def sign(self, data):
        return openssl("dgst", "-sha256", "-sign", self.path, input=data)

    def csr(self, subject):
        return openssl("req", "-new", "-utf8", "-key", self.path, "-subj", subject, "-outform", "DER")


class Cert:
    """A certificate with its key."""

    def __init__(self, key, pem_path, subject):
        self.key, self.path, self.subject = key, pem_path, subject
        self.der = openssl("x509", "-in", pem_path, "-outform", "DER")
        self.fingerprint = hashlib.sha256(self.der).hexdigest()

    @property
    def serial(self):
        return openssl("x509", "-in", self.path, "-noout", "-serial").decode().strip().split("=")[1]

    def cms(self, content):
        return openssl("cms", "-sign", "-binary", "-nodetach", "-signer", self.path, "-inkey", self.key.path, "-md", "sha256", "-outform", "DER", input=content)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def refused(self, code, status=None):
        tap.check(self.status >= 400, f"not refused: {self.status} {self.body[:200]!r}")
        tap.equal(self.json["code"], code)
        if status is not None:
            tap.equal(self.status, status)
        return self.json

    def good(self, status=200):
        tap.equal(self.status, status, self.body[:300].decode(errors="replace"))
        return self.json


def free_port():
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def wait(reached, what):
    for _ in range(2000):
        if reached():
            return
        time.sleep(0.01)
    raise AssertionError(f"not within 20 s: {what}")


class Office:
    def __init__(self, bank=True, start=True, env=None, bank_env=None, **settings):
        """env: more of the environment, for the hall. settings: see CONFIG."""
        self.hall_env, self.bank_env = dict(os.environ, **(env or {})), dict(os.environ, **(bank_env or {}))
        self.dir = tempfile.mkdtemp(prefix="certhall-service-")
        tap.at_exit(self.close)
        tap.on_failure(self.logs)
        self.processes, self.count, self.port, self.bank_port = {}, 0, free_port(), free_port()
        self.settings = dict(dict(code_seconds=1800, sweep_first=3600, heartbeat=15, gateway_ms=5000, connections=6000, receive=60, more="", address_rate=1000000, address_burst=1000000,
                                  certificate_rate=1000000, certificate_burst=1000000), **settings)
        self.certhalld("init", "--dir", f"{self.dir}/ca", "--ca-not-before", rfc3339(-2000), config=False)
        os.mkdir(f"{self.dir}/packages")
        self.write("hall.conf", CONFIG.format(dir=self.dir, port=self.port, bank_port=self.bank_port, **self.settings))
        self.write("bank.conf", BANK)
        if bank:
            self.start_bank()
        if start:
            self.start()

    def write(self, name, text):
        with open(f"{self.dir}/{name}", "w") as file:
            file.write(text)
        os.chmod(f"{self.dir}/{name}", 0o600)

    def certhalld(self, command, *arguments, config=True, check=True, lang="en"):
        options = ["--config", f"{self.dir}/hall.conf"] if config else []
        done = subprocess.run([tap.built("certhalld"), command, *options, *arguments], capture_output=True, text=True, env=dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE=lang))
        if check and done.returncode != 0:
            raise AssertionError(f"certhalld {command}: {done.stderr}")
        return done

    def _start(self, name, argv, env=None):
        port_file = f"{self.dir}/{name}.port"
        if os.path.exists(port_file):
            os.unlink(port_file)
        with open(f"{self.dir}/{name}.log", "ab") as log:
            process = subprocess.Popen([*argv, "--port-file", port_file], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        self.processes[name] = process
        while not os.path.exists(port_file): # until it listens or has ended
            try:
                process.wait(0.01)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"{name} ended with {process.returncode}\n{self.logs()}")

    def start(self):
        self._start("hall", [tap.built("certhalld"), "serve", "--config", f"{self.dir}/hall.conf"], self.hall_env)

    def start_bank(self):
        self._start("bank", [tap.built("certhall-bank"), "--config", f"{self.dir}/bank.conf", "--dir", f"{self.dir}/bank", "--listen", f"127.0.0.1:{self.bank_port}",
                             "--notify-ca", f"{self.dir}/ca/tls.pem"], self.bank_env)

    def stop(self, name="hall", number=signal.SIGTERM):
        """Its exit status."""
        process = self.processes.pop(name)
        process.send_signal(number)
        return process.wait(30)

    def another(self):
        """The same office for another thread: with a connection and file names of its own."""
        other = copy.copy(self)
        self.others = getattr(self, "others", 0) + 1
        other.connection, other.count = None, 100000 * self.others
        return other

    def restart(self, number=signal.SIGTERM):
        self.stop("hall", number)
        self.start()

    def logs(self):
        text = ""
        for name in ("hall", "bank"):
            try:
                with open(f"{self.dir}/{name}.log", errors="replace") as file:
                    text += f"--- {name}\n" + "".join(file.readlines()[-30:])
            except OSError:
                pass
        return text

    def close(self):
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.processes = {}
        shutil.rmtree(self.dir, ignore_errors=True)

    def staff(self, command, sub, *arguments, check=True, config=None, lang="en"):
        """A command of two words: certhalld refund ask ..."""
        return self.certhalld(command, sub, "--config", config or f"{self.dir}/hall.conf", *arguments, config=False, check=check, lang=lang)

    # ---- HTTP ----

    def tls(self):
        return ssl.create_default_context(cafile=f"{self.dir}/ca/tls.pem")

    def connect(self):
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.tls(), timeout=60)

    def request(self, method, path, value=None, token=None, headers=None, body=None):
        headers = dict(headers or {})
        if token is not None:
            headers["Authorization"] = "Bearer " + token
        if value is not None:
            body = json.dumps(value)
            headers.setdefault("Content-Type", "application/json")
        if getattr(self, "connection", None) is None:
            self.connection = self.connect()
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            data = response.read()
        except (http.client.HTTPException, OSError): # an idle connection was closed by the other side
            self.connection.close()
            self.connection = self.connect()
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            data = response.read()
        CONTRACT.check(method, path, response.status, response.headers.get("Content-Type"), data)
        return Answer(response.status, response.headers, data)

    def get(self, path, token=None, **more):
        return self.request("GET", path, token=token, **more)

    def post(self, path, value=None, token=None, **more):
        return self.request("POST", path, value, token, **more)

    # ---- the database, looked at from outside ----

    def sql(self, text, *values):
        with contextlib.closing(sqlite3.connect(f"{self.dir}/hall.db", timeout=30)) as db, db:
            return db.execute(text, values).fetchall()

    # ---- certificates ----

    def path(self, name):
        self.count += 1
        return f"{self.dir}/{self.count}-{name}"

    def key(self, algorithm="ec:P-256"):
        return Key(self.path("key.pem"), algorithm)

    def cert(self, start=-345, end=20, algorithm="ec:P-256", unit=None):
        """A certificate of this hall, valid from and to so many days from now."""
        key = self.key(algorithm)
        subject = f"/C=CN/O=测试公司{self.count}" + (f"/OU={unit}" if unit else "") + f"/CN=测试公司{self.count}"
        csr, pem = self.path("csr.pem"), self.path("cert.pem")
        openssl("req", "-new", "-utf8", "-key", key.path, "-subj", subject, "-out", csr)
        self.certhalld("issue", "--csr", csr, "--not-before", rfc3339(start), "--not-after", rfc3339(end), "--out", pem)
        return Cert(key, pem, subject)

    # ---- the steps of a renewal ----

    def challenge(self, purpose):
        return self.post("/v1/challenges", {"purpose": purpose}).good(201)

    def login_request(self, cert, key=None, challenge=None):
        challenge = challenge or self.challenge("login")
        key = key or cert.key
        return {"challenge": challenge["id"], "certificate": b64(cert.der), "algorithm": key.signature, "signature": b64(key.sign(statement("login", "-", challenge, cert.der)))}

    def try_login(self, cert, key=None):
        return self.post("/v1/sessions", self.login_request(cert, key))

    def login(self, cert):
        return self.try_login(cert).good(201)["token"]

    def order(self, token, status=201, **changes):
        return self.post("/v1/orders", {"applicant": dict(APPLICANT, **changes), "acknowledged": True}, token).good(status)

    def paying(self, cert=None):
        """A certificate with an order and an open bill: (certificate, token, number, bill number)."""
        cert = cert or self.cert()
        token = self.login(cert)
        number = self.order(token)["number"]
        self.post(f"/v1/orders/{number}/payment", token=token).good()
        return cert, token, number, self.bill_of(number)

    def bill_of(self, number):
        return self.sql("SELECT bill_no FROM bill WHERE number = ? ORDER BY attempt DESC", number)[0][0]

    def state_of(self, number):
        names = ["created", "paying", "paid", "issued", "installed", "cancelled", "refunding", "refunded"]
        return names[self.sql("SELECT state FROM orders WHERE number = ?", number)[0][0]]

    def wait_state(self, number, wanted):
        """Until the order is there; a stream would end with the order before."""
        wait(lambda: self.state_of(number) == wanted, f"{number} {wanted}")

    def bank_pays(self, bill, **oddities):
        """The payer pays a bill: late, again, amount, at (bank.h's oddities)."""
        status, answer = self.bank_control(bill=bill, do="pay", **oddities)
        tap.equal(status, 200, str(answer))

    def renewed(self, end="installed", cert=None):
        """A renewal up to that state: the order's number."""
        cert = cert or self.cert()
        token = self.login(cert)
        number = self.order(token)["number"]
        if end == "cancelled":
            self.post(f"/v1/orders/{number}/cancel", token=token).good()
        if end in ("created", "cancelled"):
            return number
        self.post(f"/v1/orders/{number}/payment", token=token).good()
        if end == "paying":
            return number
        self.pay_order(number)
        self.until_state(token, number, "paid")
        if end == "paid":
            return number
        key = self.key()
        der = base64.b64decode(self.request_cert(cert, key, number, token).good()["items"][0]["certificate"])
        if end == "installed":
            self.report_installed(key, number, der, token).good()
        return number

    def pay_order(self, number):
        self.certhalld("pay", number)

    def bank_control(self, **value):
        connection = http.client.HTTPConnection("127.0.0.1", self.bank_port, timeout=30)
        connection.request("POST", "/control", json.dumps(value), {"Content-Type": "application/json"})
        response = connection.getresponse()
        data = response.read()
        connection.close()
        return response.status, json.loads(data)

    def faults(self, **faults):
        status, answer = self.bank_control(set=faults)
        tap.equal(status, 200, str(answer))

    def until_state(self, token, number, *states):
        """Waits for a state of the order on its event stream."""
        with Stream(self, token, number) as stream:
            for event in stream.events():
                if event["data"]["state"] in states:
                    return event["data"]
        raise AssertionError(f"the stream ended before {states}")

    def paid_order(self, cert, token):
        number = self.order(token)["number"]
        self.post(f"/v1/orders/{number}/payment", token=token).good()
        self.pay_order(number)
        self.until_state(token, number, "paid")
        return number

    def cert_request(self, cert, key, number, signer=None, challenge=None, subject=None):
        challenge = challenge or self.challenge("request")
        csr = key.csr(subject or cert.subject)
        return {"role": "signing", "challenge": challenge["id"], "csr": b64(csr), "proof": b64((signer or cert).cms(statement("request", number, challenge, csr)))}

    def request_cert(self, cert, key, number, token, **more):
        return self.post(f"/v1/orders/{number}/requests", self.cert_request(cert, key, number, **more), token)

    def install_report(self, key, number, der, signer=None):
        challenge = self.challenge("install")
        return {"role": "signing", "challenge": challenge["id"], "certificate_sha256": hashlib.sha256(der).hexdigest(), "algorithm": key.signature,
                "signature": b64((signer or key).sign(statement("install", number, challenge, der)))}

    def report_installed(self, key, number, der, token, **more):
        return self.post(f"/v1/orders/{number}/installed", self.install_report(key, number, der, **more), token)


class Stream:
    """An order's event stream."""

    def __init__(self, office, token, number, last=None):
        self.connection = office.connect()
        headers = {"Authorization": "Bearer " + token, "Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self.connection.request("GET", f"/v1/orders/{number}/events", headers=headers)
        self.response = self.connection.getresponse()
        CONTRACT.check("GET", f"/v1/orders/{number}/events", self.response.status, self.response.headers.get("Content-Type"), None)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.connection.close()

    def lines(self):
        while True:
            line = self.response.readline()
            if not line:
                return
            yield line.decode().rstrip("\n")

    def events(self):
        event = {}
        for line in self.lines():
            if line == "" and "data" in event:
                CONTRACT.check_event(event["data"])
                event["data"] = json.loads(event["data"])
                yield event
            if line == "":
                event = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value
