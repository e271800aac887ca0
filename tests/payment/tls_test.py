"""The driver's way to the gateway: whom it trusts, and what it takes from whom it trusts."""
import http.server
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading

MERCHANT = {"driver": "chinaums", "transport": "open", "mid": "000000000000001", "tid": "00000001", "source_id": "1017",
            "key": "sandbox-key-not-secret", "app_id": "demoapp", "app_key": "demokey", "notify_url": "https://hall.test/notify"}
folder = tempfile.mkdtemp()


def certificate(name, host):
    at = os.path.join(folder, name)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=" + name, "-addext", "subjectAltName=" + host, "-keyout", at + ".key", "-out", at + ".pem"],
                   check=True, capture_output=True)
    return at


class Gateway:
    """Answers every request over TLS (or in clear, certificate None) with what it was given; counts them."""

    def __init__(self, at, answer):
        gateway, self.requests = self, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                gateway.requests += 1
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, headers, body = answer(request, gateway)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass

            do_GET = do_POST

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # a client that hangs up during the handshake is what this is about

        self.server = Server(("127.0.0.1", 0), Handler)
        if at is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(at + ".pem", at + ".key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'http' if at is None else 'https'}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def good(request, gateway, **change):
    answer = {"errCode": "SUCCESS", "mid": request["mid"], "tid": request["tid"], "billNo": request["billNo"],
              "billDate": request["billDate"], "qrCodeId": "1017" + "0" * 24, "billQRCode": gateway.url + "/bills/qrCode.do?id=1", **change}
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


def ask(url, **settings):
    path = os.path.join(folder, "settings.conf")
    with open(path, "w", encoding="utf-8") as f:
        values = {**MERCHANT, "url": url, **settings}
        f.write("payment = {" + "".join(f" {k} = {json.dumps(v)};" for k, v in values.items()) + " };\n")
    program = os.path.join(os.environ.get("top_builddir", "."), "tests/payment/ask")
    out = subprocess.run([program, path], check=True, capture_output=True, text=True, timeout=60).stdout
    return out.split(" ", 1)


def trusted():
    """a gateway whose certificate our CA vouches for is asked"""
    gateway = Gateway(ours, good)
    name, detail = ask(gateway.url, ca_file=ours + ".pem")
    assert name == "ok" and detail.startswith(gateway.url), (name, detail)
    assert gateway.requests == 1
    gateway.close()


def not_trusted():
    """one that it does not, or that is called otherwise, is told nothing"""
    gateway = Gateway(ours, good)
    assert ask(gateway.url)[0] == "payment-unavailable"
    assert ask(gateway.url, ca_file=strange + ".pem")[0] == "payment-unavailable"
    assert gateway.requests == 0
    gateway.close()
    gateway = Gateway(strange, good)
    assert ask(gateway.url, ca_file=strange + ".pem")[0] == "payment-unavailable"
    assert gateway.requests == 0
    gateway.close()


def in_clear():
    """without TLS only a sandbox is asked"""
    gateway = Gateway(None, good)
    assert ask(gateway.url)[0] == "config"
    assert ask(gateway.url, sandbox=True)[0] == "ok"
    assert gateway.requests == 1
    gateway.close()


def not_followed():
    """a redirect is not followed"""
    elsewhere = Gateway(ours, good)
    gateway = Gateway(ours, lambda request, gateway: (307, {"Location": elsewhere.url + "/v1/netpay/bills/get-qrcode"}, b""))
    assert ask(gateway.url, ca_file=ours + ".pem")[0] == "payment-unavailable"
    assert (gateway.requests, elsewhere.requests) == (1, 0)
    gateway.close()
    elsewhere.close()


def odd_answers():
    """answers that are too large, about something else, or no answers are not believed"""
    odd = [lambda r, g: (200, {}, b"{" + b" " * 300000 + good(r, g)[2][1:]),
           lambda r, g: good(r, g, billNo="1017AZT00000201"),
           lambda r, g: good(r, g, billDate="2020-01-01"),
           lambda r, g: good(r, g, mid="000000000000002"),
           lambda r, g: good(r, g, errCode="BILL_ERROR"),
           lambda r, g: good(r, g, errCode=0),
           lambda r, g: good(r, g, qrCodeId=""),
           lambda r, g: good(r, g, qrCodeId="1" * 64),
           lambda r, g: good(r, g, billQRCode="https://qr.other.test/x"),
           lambda r, g: good(r, g, billQRCode=g.url + "/\x1b[2J"),
           lambda r, g: good(r, g, billQRCode=None),
           lambda r, g: (500, {}, good(r, g)[2]),
           lambda r, g: (200, {}, b"[" + good(r, g)[2] + b"]"),
           lambda r, g: (200, {}, good(r, g)[2] + b"x"),
           lambda r, g: (200, {}, b""),
           lambda r, g: (200, {}, b"<html>")]
    for number, answer in enumerate(odd):
        gateway = Gateway(ours, answer)
        name, detail = ask(gateway.url, ca_file=ours + ".pem")
        assert name == "payment-unavailable", (number, name, detail)
        assert gateway.requests == 1
        gateway.close()


try:
    ours, strange = certificate("gateway", "IP:127.0.0.1"), certificate("strange", "DNS:gateway.test")
    tests, failed = [trusted, not_trusted, in_clear, not_followed, odd_answers], 0
    print(f"1..{len(tests)}", flush=True)
    for i, test in enumerate(tests, 1):
        try:
            test()
            print(f"ok {i} - {test.__doc__}", flush=True)
        except Exception as error:
            failed += 1
            print(f"not ok {i} - {test.__doc__}\n# {error!r}", flush=True)
finally:
    shutil.rmtree(folder)
sys.exit(failed != 0)
