"""Starts the bank simulator and talks to it with signatures of our own (hashlib and hmac only)."""
import base64
import datetime
import hashlib
import hmac
import http.client
import http.server
import json
import os
import secrets
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

CHINA = datetime.timezone(datetime.timedelta(hours=8))
MERCHANT = {
    "name": "测试<商户>&模拟", "mid": "000000000000001", "tid": "00000001", "source_id": "1017",
    "msg_src": "WWW.CERTHALL.TEST", "key": "sandbox-key-not-secret", "app_id": "demoapp", "app_key": "demokey-not-secret",
}
LEGACY = {"get-qrcode": "bills.getQRCode", "query": "bills.query", "refund": "bills.refund",
          "close-qrcode": "bills.closeQRCode", "query-qrcode-info": "bills.queryQRCodeInfo"}


def now(**ahead):
    return datetime.datetime.now(CHINA) + datetime.timedelta(**ahead)


def date_time(at):
    return at.strftime("%Y-%m-%d %H:%M:%S")


def parameter_sign(fields, key, kind="SHA256"):
    as_text = {name: json.dumps(value) if isinstance(value, bool) else str(value) for name, value in fields.items() if value not in ("", None)}
    text = "&".join(f"{name}={as_text[name]}" for name in sorted(as_text) if name != "sign")
    return hashlib.new("md5" if kind == "MD5" else "sha256", (text + key).encode()).hexdigest().upper()


def body_sign(app_id, app_key, timestamp, nonce, body):
    text = app_id + timestamp + nonce + hashlib.sha256(body).hexdigest()
    return base64.b64encode(hmac.new(app_key.encode(), text.encode(), hashlib.sha256).digest()).decode()


class Bank:
    """A simulator of its own: its folder outlives stop(), so start() again finds its ledger."""

    def __init__(self, folder):
        self.folder = folder
        self.config = os.path.join(folder, "bank.conf")
        with open(self.config, "w", encoding="utf-8") as f:
            f.writelines(f'{name} = "{value}";\n' for name, value in MERCHANT.items())
        self.process = None
        self.listen = "127.0.0.1:0"

    def start(self, *options):
        port_file = os.path.join(self.folder, "port")
        if os.path.exists(port_file):
            os.unlink(port_file)
        program = os.path.join(os.environ.get("top_builddir", "."), "certhall-bank")
        self.process = subprocess.Popen([program, "--config", self.config, "--dir", os.path.join(self.folder, "data"), "--listen",
                                         self.listen, "--port-file", port_file, "--log", os.path.join(self.folder, "log"), *options])
        deadline = time.monotonic() + 20
        while not os.path.exists(port_file):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the bank did not start")
            time.sleep(0.01)
        with open(port_file, encoding="ascii") as f:
            self.port = int(f.read())
        self.listen = f"127.0.0.1:{self.port}"
        return self

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(20)

    def http(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def legacy(self, operation, kind="SHA256", key=MERCHANT["key"], change=None, **fields):
        body = {"msgId": secrets.token_hex(8), "msgSrc": MERCHANT["msg_src"], "msgType": LEGACY.get(operation, operation),
                "requestTimestamp": date_time(now()), "mid": MERCHANT["mid"], "tid": MERCHANT["tid"], "instMid": "QRPAYDEFAULT",
                "signType": kind, **fields}
        body["sign"] = parameter_sign(body, key, kind)
        body.update(change or {})
        status, answer, _ = self.http("POST", "/netpay-route-server/api/", json.dumps(body), {"Content-Type": "application/json"})
        return status, json.loads(answer)

    def open(self, operation, app_key=MERCHANT["app_key"], timestamp=None, nonce=None, tail=b"", **fields):
        body = json.dumps({"requestTimestamp": date_time(now()), "mid": MERCHANT["mid"], "tid": MERCHANT["tid"],
                           "instMid": "QRPAYDEFAULT", **fields}).encode()
        timestamp, nonce = timestamp or now().strftime("%Y%m%d%H%M%S"), nonce or secrets.token_hex(16)
        signature = body_sign(MERCHANT["app_id"], app_key, timestamp, nonce, body)
        header = f'OPEN-BODY-SIG AppId="{MERCHANT["app_id"]}", Timestamp="{timestamp}", Nonce="{nonce}", Signature="{signature}"'
        status, answer, _ = self.http("POST", "/v1/netpay/bills/" + operation, body + tail,
                                      {"Content-Type": "application/json", "Authorization": header})
        return status, json.loads(answer)

    def control(self, **what):
        status, answer, _ = self.http("POST", "/control", json.dumps(what), {"Content-Type": "application/json"})
        return status, json.loads(answer)["errCode"]

    def faults(self, **faults):
        assert self.control(set=faults) == (200, "SUCCESS"), faults

    def ledger(self):
        return json.loads(self.http("GET", "/control/ledger")[1])

    def bill(self, call=None, amount=20000, **fields):
        """A fresh bill as the gateway answered it."""
        no = "1017AZT" + secrets.token_hex(5).upper()
        fields = {"billDate": now().strftime("%Y-%m-%d"), "billDesc": "证书更新 <测试>", "totalAmount": amount, **fields}
        status, answer = (call or self.open)("get-qrcode", billNo=no, **fields)
        assert (status, answer["errCode"]) == (200, "SUCCESS"), answer
        return answer


class Receiver:
    """A merchant's notifyUrl: keeps the decoded forms, and answers from a list (the last one for good). With a
    certificate (path of .pem and .key without their ends) over TLS."""

    def __init__(self, *answers, certificate=None):
        self.answers, self.forms, self.arrived = list(answers or ["SUCCESS"]), [], threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
                answer = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                status, text = answer if isinstance(answer, tuple) else (200, answer)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())
                with receiver.arrived:
                    receiver.forms.append(dict(urllib.parse.parse_qsl(raw, keep_blank_values=True, strict_parsing=True)))
                    receiver.arrived.notify_all()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # a handshake that fails is part of a test

        self.server = Server(("127.0.0.1", 0), Handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate + ".pem", certificate + ".key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.server.server_port}/notify?from=bank"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count, seconds=20):
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.forms) >= count, seconds), f"{len(self.forms)} of {count} arrived"
            return list(self.forms)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def main(tests):
    """Runs the functions that take a running bank, prints TAP."""
    print(f"1..{len(tests)}", flush=True)
    folder, failed = tempfile.mkdtemp(), 0
    bank = Bank(folder).start()
    try:
        for i, test in enumerate(tests, 1):
            try:
                bank.faults(**{name: 0 for name in ("fail_5xx", "truncate", "slow_ms", "status_unknown", "refund_processing", "coupon",
                                                    "late", "pay_early", "drop_notify", "notify_times", "notify_bad_sign",
                                                    "notify_wrong_amount")})
                test(bank)
                print(f"ok {i} - {test.__doc__}", flush=True)
            except Exception:
                failed += 1
                print(f"not ok {i} - {test.__doc__}", flush=True)
                print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), flush=True)
    finally:
        status = bank.stop()
        shutil.rmtree(folder)
    sys.exit(1 if failed or status != 0 else 0)
