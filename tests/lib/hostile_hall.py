"""A hall that is not what it should be: it stands in front of a real one and changes chosen answers.

    proxy = Proxy(where)                                  # certhall of that hall.Hall now asks here
    with proxy.change(r"GET /v1/hall", lambda doc: ...):  # the real answer's JSON (and an event's), changed in place or replaced
    with proxy.answer(r"POST /v1/sessions", lambda h: h.send(200, b"<html>", kind="text/html")):
"""
import base64
import contextlib
import hashlib
import http.client
import http.server
import json
import os
import re
import ssl
import subprocess
import threading

import tap


def openssl(*arguments, input=None):
    return subprocess.run(["openssl", *arguments], input=input, check=True, capture_output=True).stdout


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        what = f"{self.command} {self.path}"
        proxy = self.server.proxy
        proxy.requests.append(what)
        for pattern, kind, action in reversed(proxy.rules):
            if kind == "answer" and re.fullmatch(pattern, what):
                self.close_connection = True
                action(self)
                return
        self.forward([action for pattern, kind, action in proxy.rules if kind == "change" and re.fullmatch(pattern, what)])

    do_GET = do_POST = do_DELETE = do

    def forward(self, changes=()):
        """What the real hall answers, its JSON changed."""
        hall = http.client.HTTPSConnection("127.0.0.1", self.server.proxy.where.port, context=ssl._create_unverified_context(), timeout=60)
        with contextlib.closing(hall):
            headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection", "content-length")}
            hall.request(self.command, self.path, self.body if self.body or self.command == "POST" else None, headers)
            answer = hall.getresponse()
            kind = answer.headers.get("Content-Type") or ""
            if kind.startswith("text/event-stream"):
                self.stream(answer, changes)
                return
            body = answer.read()
            if changes and "json" in kind:
                body = changed(body, changes)
            self.send(answer.status, body, kind)

    def stream(self, answer, changes):
        self.close_connection = True
        self.head(200, "text/event-stream")
        while line := answer.readline():
            if changes and line.startswith(b"data:"):
                line = b"data: " + changed(line[5:], changes) + b"\n"
            self.wfile.write(line)
            self.wfile.flush()

    def head(self, status, kind, **headers):
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        for name, value in {**self.server.proxy.headers, **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def send(self, status, body=b"", kind="application/json", **headers):
        body = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        self.head(status, kind, Content_Length=len(body), **headers)
        self.wfile.write(body)

    def problem(self, status, code, param="", detail=""):
        self.send(status, {"type": f"urn:certhall:problem:{code}", "title": code, "status": status, "code": code, "param": param, "detail": detail},
                  kind="application/problem+json")

    def pour(self, piece, most=1 << 33):
        """Writes piece again and again until the other side has had enough; how many bytes it took."""
        sent = 0
        with contextlib.suppress(OSError):
            while sent < most and not self.server.proxy.closing.is_set():
                self.wfile.write(piece)
                sent += len(piece)
        return sent


def changed(text, changes):
    document = json.loads(text)
    for change in changes:
        new = change(document)
        document = document if new is None else new
    return json.dumps(document).encode()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        pass # a client that goes is no failure of the test

    def get_request(self):
        client, address = super().get_request()
        client.settimeout(60)
        return client, address

    def finish_request(self, request, address):
        if self.proxy.context is not None: # the handshake belongs to the connection's own thread
            request = self.proxy.context.wrap_socket(request, server_side=True)
        super().finish_request(request, address)


class Proxy:
    """.requests: what was asked for, as "GET /v1/hall". .context: of TLS, may be replaced; None: plain HTTP. .headers: with every answer."""

    def __init__(self, where, timeout=3):
        self.where, self.rules, self.requests, self.headers, self.closing = where, [], [], {}, threading.Event()
        self.context = context(os.path.join(where.dir, "hall/tls.pem"), os.path.join(where.dir, "hall/tls.key"))
        self.httpd = Server(("127.0.0.1", 0), Handler)
        self.httpd.proxy = self
        self.port = self.httpd.server_address[1]
        threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self._forget = tap.at_exit(self.close)
        for name in ("certhall.conf", "certhall-with-module.conf"):
            self.configure(name, **{f"127.0.0.1:{where.port}": f"127.0.0.1:{self.port}", "hall = {": f"hall = {{\n\ttimeout = {timeout};"})

    def configure(self, name="certhall-with-module.conf", to=None, **replace):
        """Changes the terminal's configuration (to: into a file of that name); its path."""
        with open(os.path.join(self.where.dir, name)) as file:
            text = file.read()
        for old, new in replace.items():
            tap.contains(text, old, name)
            text = text.replace(old, new)
        path = os.path.join(self.where.dir, to or name)
        with open(path, "w") as file:
            file.write(text)
        return path

    @contextlib.contextmanager
    def _rule(self, *rule):
        self.rules.append(rule)
        try:
            yield self
        finally:
            self.rules.remove(rule)

    def answer(self, pattern, action):
        return self._rule(pattern, "answer", action)

    def change(self, pattern, action):
        return self._rule(pattern, "change", action)

    def close(self):
        self._forget()
        self.closing.set()
        self.httpd.shutdown()
        self.httpd.server_close()


def context(cert, key):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    return tls


# ---- certificates that are not what was asked for ----

def tlv(tag, content):
    n = len(content)
    size = bytes([n]) if n < 128 else (lambda b: bytes([0x80 | len(b)]) + b)(n.to_bytes((n.bit_length() + 7) // 8, "big"))
    return bytes([tag]) + size + content


def parts(der):
    """The elements of a constructed one."""
    def measure(at):
        n, start = der[at + 1], at + 2
        if n & 0x80:
            start, n = start + (n & 0x7f), int.from_bytes(der[start:start + (n & 0x7f)], "big")
        return start, start + n
    at, end = measure(0)
    found = []
    while at < end:
        found.append(der[at:measure(at)[1]])
        at = measure(at)[1]
    return found


VERSION, SERIAL, ALGORITHM, ISSUER, VALIDITY, SUBJECT, KEY, EXTENSIONS = range(8)


def forged(der, key, **fields):
    """The certificate with other elements ("SERIAL": DER), signed by the (RSA) key in that file."""
    tbs, algorithm, _ = parts(der)
    elements = parts(tbs)
    for name, value in fields.items():
        elements[globals()[name]] = value
    tbs = tlv(0x30, b"".join(elements))
    signature = openssl("dgst", "-sha256", "-sign", key, input=tbs)
    return tlv(0x30, tbs + algorithm + tlv(3, b"\0" + signature))


def element(der, index):
    return parts(parts(der)[0])[index]


def unbase64(text):
    return base64.b64decode(text)


def rebase64(data):
    return base64.b64encode(data).decode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# ---- what a terminal must never be sent ----

_FUNCTIONS = re.compile(  # what curses itself writes: movement, erasing, attributes, modes, charsets, the question where the cursor is
    r"\x1b\[[0-9;]*[A-HJKLMPSTXbdfghlmnr`@]|\x1b\[\?[0-9;]*[hl]|\x1b\[2[23];0;0t|\x1b[()][0AB]|\x1b[=>78M]|[\r\n\b]")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ue000-\uf8ff\U000e0000-\U000e0fff]")


def only_pictures(raw, lines=False):
    """Checks what a program wrote (bytes): nothing but curses' own functions and characters one can see; lines: no functions at all."""
    text = raw.decode("utf-8")
    rest = re.sub(r"\r?\n|\r", "", text) if lines else _FUNCTIONS.sub("", text)
    bad = _UNSEEN.search(rest)
    tap.check(bad is None, f"written to the terminal: {rest[max(0, bad.start() - 40):bad.end() + 40]!r}" if bad else "")
    tap.check("^[" not in rest, "a control character came as far as the screen")
