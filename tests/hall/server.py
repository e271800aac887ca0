"""A hall that does whatever a test wants of it, over TLS on a loopback port."""
import http.server
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import threading

import tap

PROBE = "tests/hall/hall_probe"


def openssl(*arguments, input=None):
    return subprocess.run(["openssl", *arguments], input=input, check=True, capture_output=True).stdout


class Server:
    """answer(handler) is called for every request; .requests keeps (method, path, headers, body)."""

    def __init__(self, answer, names="DNS:localhost,IP:127.0.0.1"):
        self.dir = tempfile.mkdtemp(prefix="certhall-hall-")
        self._forget = tap.at_exit(self.close)
        self.answer, self.requests = answer, []
        self.closing = threading.Event()
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=test hall",
                "-addext", f"subjectAltName={names}", "-keyout", self.path("key.pem"), "-out", self.path("cert.pem"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("cert.pem"), self.path("key.pem"))
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do(self):
                self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.requests.append((self.command, self.path, self.headers, self.body))
                self.close_connection = True
                server.answer(self)

            do_GET = do_POST = do_DELETE = do

            def send(self, status, body=b"", kind="application/json", **headers):
                body = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
                self.send_response(status)
                if kind:
                    self.send_header("Content-Type", kind)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), str(value))
                if "Content_Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)

            def problem(self, status, code, param=""):
                self.send(status, {"type": f"urn:certhall:problem:{code}", "title": code, "status": status, "code": code, "param": param},
                          kind="application/problem+json")

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, address):
                pass # a client that goes is no failure of the test

        self.httpd = Quiet(("127.0.0.1", 0), Handler)
        self.httpd.socket = context.wrap_socket(self.httpd.socket, server_side=True)
        self.port = self.httpd.server_address[1]
        threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def path(self, name):
        return os.path.join(self.dir, name)

    def configure(self, url=None, ca="cert.pem", more="", **hall):
        settings = {"url": url or f"https://127.0.0.1:{self.port}", "ca_file": ca, **hall}
        lines = "".join(f"\t{name} = {value if isinstance(value, int) else json.dumps(value)};\n" for name, value in settings.items() if value is not None)
        with open(self.path("certhall.conf"), "w") as file:
            file.write("hall = {\n" + lines + "};\n" + more)

    def probe(self, *arguments, env=None):
        """(exit status, lines) of hall_probe."""
        done = subprocess.run([tap.built(PROBE), self.path("certhall.conf"), *arguments], capture_output=True, text=True,
                              env=dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE="en", XDG_DATA_HOME=self.path("data"), no_proxy="", **(env or {})))
        if done.stderr:
            tap.diag(done.stderr)
        return done.returncode, done.stdout.splitlines()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.close()

    def close(self):
        self._forget()
        self.closing.set()
        self.httpd.shutdown()
        self.httpd.server_close()
        shutil.rmtree(self.dir, ignore_errors=True)


HALL = {
    "name": "测试大厅", "minimum_version": "0.1.0", "audience": "test", "time": "2026-11-22T00:00:00Z", "pay_minutes": 30, "invoice_days": 3,
    "payment_ready": True,
    "project": {"id": "p", "name": "测试项目", "price_fen": 1, "window": {"before_months": 1, "after_months": 12}, "validity_months": 12,
                "algorithms": "ec:P-256"},
}


def order(revision, number="AZT112217NR3QT", state="paying"):
    return {
        "number": number, "state": state, "revision": revision, "time": "2026-11-22T00:00:00Z", "created": "2026-11-22T00:00:00Z", "amount_fen": 1,
        "project": "p", "project_name": "测试项目", "algorithms": "ec:P-256", "old_not_after": "2026-12-01T00:00:00Z", "validity_months": 12,
        "invoice_days": 3, "applicant": {"contact": "样票", "phone": "13800000000", "title": "测试", "tax_no": "91350100M000100Y43"},
        "items": [{"role": "signing", "state": "waiting", "old_fingerprint": "0" * 64}],
    }
