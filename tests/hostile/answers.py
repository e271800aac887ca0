"""A hall that answers absurdly, falsely or not at all: the person reads a sentence, memory stays small, nothing is followed or believed, and the
program works as soon as the hall does."""
import contextlib
import http.client
import http.server
import json
import os
import re
import ssl
import subprocess
import sys
import threading
import time

for folder in ("journey", "renewal"):
    sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests", folder))
import hall
import hostile_hall
import tap
import walk
from hostile_hall import forged, openssl, rebase64, sha256, tlv
from renewals import orders

HOLDER = "测试甲精密机械有限公司（样票）"
AGAIN = "renewing needs the hall" # of the sentence on the home page
UNCLEAR, SLOW, LOST, STRANGER = "could not be understood", "did not answer in time", "cannot be reached", "identity could not be verified"
MEGABYTES = 16 # more than before, at most
with open(tap.built("certhall"), "rb") as program:
    MEGABYTES = 300 if b"__asan_init" in program.read() else MEGABYTES

where = hall.Hall(certs=[(HOLDER, "ec:P-256", -345, 20)], settings={
    'algorithms = "rsa:2048,rsa:3072,ec:P-256"': 'algorithms = "ec:P-256"',
    "log = {": "limits = { address_rate = 0; certificate_rate = 0; };\nlog = {"})
proxy = hostile_hall.Proxy(where)


class Memory:
    """What a process takes at most while something goes on."""

    def __init__(self, pid):
        self.pid = pid
        with open(f"/proc/{pid}/clear_refs", "w") as file:
            file.write("5")
        self.before = self.read("VmRSS")

    def read(self, name):
        with open(f"/proc/{self.pid}/status") as file:
            return int(re.search(rf"{name}:\s+(\d+) kB", file.read()).group(1)) // 1024

    def stayed_small(self):
        grown = self.read("VmHWM") - self.before
        tap.check(grown <= MEGABYTES, f"{grown} MB more")


class Person(walk.Walk):
    def __init__(self, rows=24, home=None, module=True):
        super().__init__(where, "en", module=module, rows=rows, home=home)

    def refused(self, said, *more):
        """F5 on the home page; what is then said, and that all is well again when the hall is."""
        memory = Memory(self.screen.pid)
        self.ask("F5")
        self.screen.wait(said, AGAIN, *more)
        memory.stayed_small()

    def ask(self, *keys):
        """Presses keys until the hall is asked: what was said before is gone from the screen by then."""
        before = len(proxy.requests)
        self.key(*keys)
        while len(proxy.requests) == before:
            self.screen.quiet(0.01)
        self.screen.quiet(0.01) # what was painted before it asked has been read by then

    def well(self):
        self.ask("F5")
        self.screen.wait_gone(AGAIN)
        self.screen.wait("Renewable now")


# ---- lengths and forms ----

def hangs(handler):
    proxy.closing.wait(20)


def promised(handler):
    handler.head(200, "application/json", Content_Length=10_000_000_000)
    hangs(handler)


def poured(handler):
    handler.head(200, "application/json", Content_Length=10_000_000_000)
    handler.pour(b" " * 65536)


def endless(handler):
    handler.head(200, "application/json", Transfer_Encoding="chunked")
    handler.pour(b"8000\r\n" + b" " * 0x8000 + b"\r\n")


def raw(*pieces, pour=None):
    def answer(handler):
        for piece in pieces:
            handler.wfile.write(piece)
        if pour:
            handler.pour(pour)
    return answer


def trickle(handler):
    handler.head(200, "application/json", Content_Length=1000)
    for _ in range(200):
        handler.wfile.write(b" ")
        if proxy.closing.wait(0.1):
            return


def half(handler):
    handler.head(200, "application/json", Content_Length=1000)
    handler.wfile.write(b'{"time": "2026-11-22T00:')


def json_text(text):
    return lambda handler: handler.send(200, text)


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SHAPES = [
    ("10 GB are promised and nothing comes", SLOW, promised),
    ("a byte now and then", SLOW, trickle),
    ("10 GB are promised and come", UNCLEAR, poured),
    ("a body without an end", UNCLEAR, endless),
    ("a header without an end", UNCLEAR, raw(OK + b"X-Long: ", pour=b"a" * 65536)),
    ("headers without an end", UNCLEAR, raw(OK, pour=b"X-More: and more\r\n" * 4096)),
    ("early hints without an end", UNCLEAR, raw(pour=b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * 2048)),
    ("chunks of nonsense", LOST, raw(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")),
    ("no HTTP", UNCLEAR, raw(bytes(range(256)) * 8)),
    ("a string of 1 MB", UNCLEAR, json_text(b'{"time": "' + b"a" * 1_000_000 + b'"}')),
    ("1,000 levels", UNCLEAR, json_text(b'{"time":' + b"[" * 1000 + b"]" * 1000 + b"}")),
    ("a million levels", UNCLEAR, json_text(b"[" * 1_000_000)),
    ("100,000 entries", UNCLEAR, json_text(b'{"time":"2026-11-22T00:00:00Z","certificates":[' + b"0," * 100_000 + b"0]}")),
    ("a million empty objects", UNCLEAR, json_text(b'{"certificates":[' + b"{}," * 1_000_000 + b"{}]}")),
    ("half an answer, cut off", LOST, half),
    ("no answer, cut off", LOST, raw()),
    ("HTML", UNCLEAR, lambda h: h.send(200, b"<html><script>alert(1)</script>", kind="text/html")),
    ("HTML that is called JSON", UNCLEAR, json_text(b"<html>")),
    ("nothing, and 204", UNCLEAR, lambda h: h.head(204, None)),
    ("a list", UNCLEAR, json_text(b"[]")),
    ("null", UNCLEAR, json_text(b"null")),
    ("a status that is none", UNCLEAR, raw(b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n")),
    ("an upgrade", LOST, raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")),
]


@tap.test("answers of any length and form")
def _():
    with Person() as person:
        person.well()
        for name, said, action in SHAPES:
            with tap.step(name):
                for what in ("GET /v1/hall", "POST /v1/standings"):
                    if said == SLOW and what == "GET /v1/hall":
                        continue # takes its time
                    with proxy.answer(what, action):
                        person.refused(said)
                person.well()


@tap.test("redirects are not followed")
def _():
    asked = []

    class Other(http.server.BaseHTTPRequestHandler):
        def do(self):
            asked.append(self.path)
        do_GET = do_POST = do

    other = http.server.HTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    with Person() as person:
        person.well()
        for status in (301, 302, 303, 307, 308):
            for target in (f"http://127.0.0.1:{other.server_port}/v1/hall", f"https://127.0.0.1:{proxy.port}/v1/elsewhere", "file:///etc/passwd"):
                with tap.step(f"{status} to {target.split(':')[0]}"), proxy.answer("(GET|POST) /v1/.*", lambda h: h.send(status, b"", kind=None, Location=target)):
                    person.refused(UNCLEAR)
        person.well()
    other.shutdown()
    other.server_close()
    tap.equal([asked, [one for one in proxy.requests if "elsewhere" in one]], [[], []])


# ---- numbers ----

def sets(*path, to):
    def change(document):
        at = document
        for name in path[:-1]:
            at = at[name]
        at[path[-1]] = to
    return change


def with_more(text):
    """The honest answer's text, changed."""
    def answer(handler):
        real = http.client.HTTPSConnection("127.0.0.1", where.port, context=ssl._create_unverified_context(), timeout=60)
        real.request("GET", "/v1/hall")
        handler.send(200, *text(real.getresponse().read()))
        real.close()
    return answer


def nested(document):
    inner = []
    for _ in range(100):
        inner = [inner]
    document["unknown"] = inner


@tap.test("an honest answer but for one thing")
def _():
    with Person() as person:
        person.well()
        for name, what, change in (("a name without room", "GET /v1/hall", sets("project", "name", to="a" * 1000)), ("100 levels in what nobody reads", "GET /v1/hall", nested),
                                   ("the same certificate 500 times", "POST /v1/standings", lambda doc: doc.update(certificates=doc["certificates"] * 500))):
            with tap.step(name), proxy.change(what, change):
                person.refused(UNCLEAR)
        for name, text in (("something behind it", lambda text: [text + b" x"]), ("two of them", lambda text: [text * 2]), ("called HTML", lambda text: [text, "text/html"]),
                           ("called nothing", lambda text: [text, None])):
            with tap.step(name), proxy.answer("GET /v1/hall", with_more(text)):
                person.refused(UNCLEAR)
        person.well()


ABSURD = [-1, 1 << 31, 1 << 62, -(1 << 63), 1 << 80, 1.5, "1", None, True, [], {}]


@tap.test("prices, months and days that cannot be")
def _():
    with Person() as person:
        person.well()
        for path in (("project", "price_fen"), ("project", "window", "before_months"), ("project", "validity_months"), ("pay_minutes",), ("invoice_days",)):
            with tap.step(".".join(path)):
                for value in ABSURD:
                    with proxy.change("GET /v1/hall", sets(*path, to=value)):
                        person.refused(UNCLEAR)
                person.well()


@tap.test("a clock that is years away is said, and does no harm")
def _():
    with Person() as person:
        for when, said in (("9999-12-31T23:59:59Z", "is \\d+ s slow"), ("2036-01-01T00:00:00+14:00", "is \\d+ s slow"), ("0000-01-01T00:00:00Z", "is \\d+ s fast")):
            with tap.step(when), proxy.change("GET /v1/hall|POST /v1/standings", sets("time", to=when)):
                person.screen.wait("View certificates")
                person.key("F5")
                person.key("1")
                person.title("Environment check")
                person.screen.wait("Set this computer's clock", re.compile(said))
                tap.equal(person.screen.find("Enter goes on"), None)
                person.key("Esc")
                person.home()
                person.key("2")
                person.title("View certificates")
                person.screen.wait(HOLDER)
                person.key("Esc")
        for when in ("", "now", "2026-13-45T00:00:00Z", "99999-01-01T00:00:00Z", 0, "2026-11-22T00:00:00+99999999999:00"):
            with tap.step(repr(when)), proxy.change("GET /v1/hall", sets("time", to=when)):
                person.refused(UNCLEAR)
        person.well()


# ---- TLS ----

def tls_files(name, subject_alt="IP:127.0.0.1", **fields):
    """A certificate and its key, elements of it replaced."""
    key, cert = (os.path.join(where.dir, "run", name + end) for end in (".key", ".pem"))
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={subject_alt}", "-keyout", key, "-out", cert)
    if fields:
        der = forged(openssl("x509", "-in", cert, "-outform", "DER"), key, **fields)
        with open(cert, "wb") as file:
            file.write(openssl("x509", "-inform", "DER", input=der))
    return cert, key


def validity(begin, end):
    return tlv(0x30, tlv(0x17, begin.encode()) + tlv(0x17, end.encode()))


def old_tls(tls):
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tls.set_ciphers("ALL:@SECLEVEL=0")
        tls.minimum_version, tls.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    return tls


@tap.test("a hall that is not the hall, by its TLS")
def _():
    good = tls_files("good")
    cases = [
        ("for another name", tls_files("elsewhere", "DNS:hall.example.test,IP:127.0.0.2"), None),
        ("expired", tls_files("expired", VALIDITY=validity("240101000000Z", "250101000000Z")), None),
        ("not yet valid", tls_files("future", VALIDITY=validity("480101000000Z", "490101000000Z")), None),
        ("of an issuer nobody knows", tls_files("unknown"), good[0]),
        ("TLS 1.1 only", good, None),
        ("no TLS at all", good, None),
    ]
    honest = proxy.context
    proxy.requests.clear()
    for name, (cert, key), trusted in cases:
        with tap.step(name):
            tls = hostile_hall.context(cert, key)
            proxy.context = old_tls(tls) if name == "TLS 1.1 only" else None if name == "no TLS at all" else tls
            config = proxy.configure(to="tls.conf", **{f"{where.dir}/hall/tls.pem": trusted or cert})
            done = where.run([tap.built("certhall"), "certs", "--config", config], check=False)
            tap.equal(done.returncode, 1)
            tap.contains(done.stderr, STRANGER)
            tap.contains(done.stdout, HOLDER) # the key's own content is shown all the same
            doctor = where.run([tap.built("certhall"), "doctor", "--config", config], check=False)
            tap.equal(doctor.returncode, 2)
            tap.contains(doctor.stdout, STRANGER)
    proxy.context = hostile_hall.context(*good)
    config = proxy.configure(to="tls.conf", **{f"{where.dir}/hall/tls.pem": good[0], "hall = {": 'hall = {\n\tpin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";'})
    tap.contains(where.run([tap.built("certhall"), "certs", "--config", config], check=False).stderr, STRANGER)
    tap.equal(proxy.requests, [])
    config = proxy.configure(to="tls.conf", **{f"{where.dir}/hall/tls.pem": good[0]})
    tap.equal(where.run([tap.built("certhall"), "certs", "--config", config], check=False).returncode, 0)
    proxy.context = honest
    config = proxy.configure(to="http.conf", **{"https://": "http://"})
    for command in (["certs"], ["renew"], ["doctor"], []):
        proxy.requests.clear()
        done = where.run([tap.built("certhall"), *command, "--config", config], check=False)
        tap.equal(done.returncode, 1)
        tap.contains(done.stderr, "must begin with https://")
        tap.equal(proxy.requests, [])


# ---- an order: its payment link, its amount, its stream ----

LINKS = ["", "http://pay.example.test/qr", "javascript:alert(1)", "HTTPS://pay.example.test/", "https://", "https:///path", "//pay.example.test/", "weixin://wxpay/1",
         "https://pay.example.test@evil.example.test/", "https://pay.example.test/\x1b]0;x\x07", "https://pay.example.test/\u202emoc", "https://pay.example.test/ a",
         "https://支付.example.test/", "https://pay.example.test/" + "a" * 300, "http://127.0.0.1.evil.example.test/", "https://pay.example.test/\n", 5, None, {}]


def link(value):
    def change(document):
        document.get("order", document).setdefault("payment", {})["qr_url"] = value
    return change


def to_the_till(person):
    """Away from the payment page and back to it."""
    person.key("Esc")
    person.title("Choose certificate")
    person.key("Enter")
    person.pin(hall.PIN)
    person.payment()


@contextlib.contextmanager
def at_the_till():
    """A person who is to pay."""
    with Person(rows=44) as person:
        person.home()
        if person.screen.find("Go on with the order"):
            person.key("Enter")
            person.pin(hall.PIN)
        else:
            person.check_environment()
            person.choose(HOLDER)
            person.pin(hall.PIN)
            person.details()
        yield person


def events(*pieces, pour=None):
    def answer(handler):
        handler.head(200, "text/event-stream")
        with contextlib.suppress(OSError):
            for piece in pieces:
                handler.wfile.write(piece)
            if pour:
                handler.pour(pour)
    return answer


def theirs_first(person, told, number):
    """The stream tells of another's order; then, once that has been read, of one's own at another price."""
    orders_told, read = [], threading.Event()

    def stream(handler):
        own = orders_told[-1]
        handler.head(200, "text/event-stream")
        for order in ({**own, "number": "AZT112217ZZZZZ", "state": "paid"}, {**own, "amount_fen": 12345}):
            handler.wfile.write(told + json.dumps(order).encode() + b"\n\n")
            read.wait(20)
    with proxy.change(".*/payment", orders_told.append), proxy.answer(".*/events", stream):
        asked = len(proxy.requests)
        to_the_till(person)
        while not any("/events" in one for one in proxy.requests[asked:]):
            person.screen.quiet(0.01)
        for _ in range(2): # turns of the program
            person.key("?")
            person.screen.wait("Keys")
            person.key("Esc")
            person.screen.wait_gone("Keys")
        read.set()
        person.screen.wait("￥123.45", number)
        person.title("Payment")


@tap.test("a payment code that is none is not shown; an order that cannot be is not believed; a stream of nonsense does no harm")
def _():
    with at_the_till() as person:
        number, honest = person.payment()
        for value in LINKS:
            with tap.step(f"the link {str(value)[:40]!r}"), proxy.change(".*/payment", link(value)):
                person.ask("F6")
                person.see("The hall gave no payment code that can be used")
                person.key("Enter")
                person.screen.wait_gone("The hall gave no payment code that can be used")
                tap.equal(person.screen.qr(), [])
                person.screen.wait("There is no QR code yet.")
                tap.equal(person.screen.find("example.test"), None)
        person.key("F6")
        tap.equal(person.screen.wait_qr(), honest)
        for value in ABSURD:
            with tap.step(f"the amount {value!r}"), proxy.change(".*/payment/query", sets("amount_fen", to=value)):
                person.ask("F5")
                person.see("The hall's answer could not be understood.")
                person.key("Enter")
                person.screen.wait("￥360.00")
        order = where.certhalld("orders", "--json").stdout
        tap.equal(json.loads(order)[0]["state"], "paying")
        paid = {"number": "AZT112217ZZZZZ", "state": "paid", "revision": 99}
        told = b"event: order\nid: 5\ndata: "
        streams = [
            ("nonsense", [bytes(range(256)) * 64, b"\n\n"], None),
            ("an order that is none", [told + b"{}\n\n", told + b"[]\n\n", told + b"{\n\n", told + b"\n\n"], None),
            ("the order of somebody else", [told + json.dumps(paid).encode() + b"\n\n"], None),
            ("a line without an end", [b"data: "], b"a" * 65536),
            ("an event without an end", [b"event: order\n"], b"data: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" * 1024),
            ("comments without an end", [], b": and more\n" * 4096),
            ("events without an end", [], (told + b'{"number": "%s"}\n\n' % number.encode()) * 1024),
        ]
        with tap.step("the order of somebody else, whole and paid"):
            theirs_first(person, told, number)
        for name, pieces, pour in streams:
            with tap.step(name), proxy.answer(".*/events", events(*pieces, pour=pour)):
                memory = Memory(person.screen.pid)
                asked = len(proxy.requests)
                to_the_till(person)
                while not any("/events" in one for one in proxy.requests[asked:]):
                    person.screen.quiet(0.01)
                person.key("?") # it answers while all that comes
                person.screen.wait("Keys")
                person.key("Esc")
                person.title("Payment")
                memory.stayed_small()
        with tap.step("a stream that ends at once and wants to be asked again at once"), proxy.answer(".*/events", events(b"retry: 1\n\n")):
            to_the_till(person)
            asked, began = len(proxy.requests), time.monotonic()
            while len(proxy.requests) < asked + 5:
                person.screen.quiet(0.01)
            tap.check(time.monotonic() - began > 0.4, "asked again and again")
        where.certhalld("pay", number)
        person.title("Install certificate")


# ---- the components ----

def resigned(by, manifest=None):
    """The list of components, signed by that key's owner."""
    def change(document):
        text = manifest or hostile_hall.unbase64(document["manifest"])
        document["manifest"] = rebase64(text)
        document["signature"] = rebase64(openssl("cms", "-sign", "-binary", "-md", "sha256", "-outform", "DER", "-signer", by + ".pem", "-inkey", by + ".key", input=text))
    return change


def content(handler, data):
    handler.send(200, data, kind="application/octet-stream")


@tap.test("components: another's signature, another file")
def _():
    signer, stranger = os.path.join(where.dir, "hall/signer"), os.path.join(where.dir, "run/stranger")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=signer", "-keyout", stranger + ".key", "-out", stranger + ".pem")
    home = where.new_home()
    folder = os.path.join(home, "data/certhall/components")

    def kept():
        return [name for _, _, names in os.walk(folder) for name in names]

    with Person(home=home, module=False) as person:
        person.home()
        person.key("1")
        person.title("Environment check")
        person.screen.wait(re.compile("(7|Enter) Install component"))
        person.key("7")
        person.title("Install component")
        person.screen.wait("SimKey PKCS#11")
        lists = [("a stranger's signature", resigned(stranger)), ("changed after it was signed", lambda doc: doc.update(manifest=rebase64(hostile_hall.unbase64(doc["manifest"]) + b" "))),
                 ("no signature", lambda doc: doc.update(signature=""))]
        for name, change in lists:
            with tap.step(name), proxy.change("GET /v1/packages", change):
                person.ask("F5")
                person.screen.wait("is not signed by this hall. Nothing was installed.")
        person.key("F5")
        person.screen.wait("SimKey PKCS#11")
        files = [("other content", lambda h: content(h, bytes(os.path.getsize(os.path.join(where.dir, "hall/packages/libsofthsm2.so"))))), ("too long", poured),
                 ("too short", lambda h: content(h, b"\x7fELF"))]
        for name, action in files:
            with tap.step(name), proxy.answer("GET /v1/packages/.*/content", action):
                memory = Memory(person.screen.pid)
                person.ask("F2")
                person.screen.wait("is not the one the hall lists. It was deleted")
                tap.equal(kept(), [])
                memory.stayed_small()
        with tap.step("a redirect"), proxy.answer("GET /v1/packages/.*/content", lambda h: h.send(302, b"", kind=None, Location="https://example.test/")):
            person.ask("F2")
            person.screen.wait(UNCLEAR)
        tap.equal([name for name in kept() if not name.endswith(".part")], [])
        tap.equal(os.path.exists(os.path.join(home, "data/certhall/module.conf")), False)
        person.key("F2")
        person.screen.wait("The component was downloaded")
        tap.equal(len(kept()), 1)


tap.run()
