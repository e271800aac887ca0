"""What no honest client sends: it is refused or cut off, nothing of it is taken for a second request, and the service goes on."""
import base64
import json
import os
import re
import socket
import ssl
import struct
import sys
import warnings

sys.path.insert(0, os.path.join(os.environ.get("top_srcdir") or os.path.realpath(os.path.join(os.path.dirname(__file__), "../..")), "tests/lib"))
import tap  # noqa: E402

os.environ.setdefault("top_srcdir", tap.top_srcdir)
import hall  # noqa: E402
from api import Certificate, Client, Holder, b64  # noqa: E402

where = hall.Hall(certs=[("测试甲精密机械有限公司（样票）", "ec:P-256", -345, 20)], settings={
    "log = {": "limits = { address_rate = 0; certificate_rate = 0; captcha_rate = 0; body = 16384; timeout = 2; };\nlog = {"})
client = Client(where)
HOST = b"Host: hall.test\r\n"
JSON = b"Content-Type: application/json\r\n"
NEXT = b"GET /healthz HTTP/1.1\r\nHost: hall.test\r\n\r\n"


def plain_socket():
    return socket.create_connection(("127.0.0.1", where.port), timeout=30)


def raw_socket():
    return client.tls.wrap_socket(plain_socket(), server_hostname="localhost")


def read_all(sock):
    data = b""
    try:
        while part := sock.recv(65536):
            data += part
    except (ConnectionError, ssl.SSLError):
        pass # cut: what came before it counts
    return data


def send(data, then=b""):
    """Everything that comes back until the service closes."""
    with raw_socket() as sock:
        try:
            sock.sendall(data + then)
        except (ConnectionError, ssl.SSLError):
            pass
        return read_all(sock)


def is_up():
    tap.equal(client.get("/healthz").body, b"ok\n")
    tap.equal(where.service.process.poll(), None)


def refused(name, data, then=NEXT):
    """The service closes without a word or with a refusal; what follows on the connection, which is good, is not answered.
    libmicrohttpd 0.9.75 writes the heads of its own refusals twice."""
    got = send(data, then)
    statuses = set(re.findall(rb"HTTP/1\.[01] (\d{3})", got))
    tap.check(len(statuses) <= 1 and b"200" not in statuses, f"{name}: {got[:600]!r}")
    for status in statuses:
        tap.check(status[:1] == b"4" or status in (b"501", b"505"), f"{name}: {got[:300]!r}")
        head, _, body = got.partition(b"\r\n\r\n")
        if b"application/problem+json" in head:
            client.contract.validate({"$ref": "#/components/schemas/Problem"}, json.loads(body), name)
            tap.equal(json.loads(body)["status"], int(status), name)
    is_up()


def post(*headers, body=b'{"purpose":"login"}'):
    return b"POST /v1/challenges HTTP/1.1\r\n" + HOST + JSON + b"".join(h + b"\r\n" for h in headers) + b"\r\n" + body


@tap.test("messages whose end is in doubt are refused (RFC 9112 section 6.3)")
def _():
    smuggled = b"0\r\n\r\n"
    chunked = b"Transfer-Encoding: chunked"
    for name, data in {
        "two lengths": post(b"Content-Length: 19", b"Content-Length: 5"),
        "the same length twice": post(b"Content-Length: 19", b"Content-Length: 19"),
        "length and chunks": post(b"Content-Length: 5", chunked, body=smuggled),
        "chunks and length": post(chunked, b"Content-Length: 5", body=smuggled),
        "two codings": post(chunked, chunked, body=smuggled),
        "a list of codings": post(b"Transfer-Encoding: gzip, chunked", body=smuggled),
        "an unknown coding": post(b"Transfer-Encoding: xchunked", body=smuggled),
        "identity": post(b"Transfer-Encoding: identity", b"Content-Length: 5", body=smuggled),
        "a space before the colon": post(b"Transfer-Encoding : chunked", b"Content-Length: 5", body=smuggled),
        "a tab in the name": post(b"Content-Length\t: 19"),
        "a signed length": post(b"Content-Length: +19"),
        "a negative length": post(b"Content-Length: -1"),
        "a list of lengths": post(b"Content-Length: 19, 19"),
        "a hexadecimal length": post(b"Content-Length: 0x13"),
        "a length with words": post(b"Content-Length: 19 bytes"),
        "a length beyond 64 bits": post(b"Content-Length: 18446744073709551635"),
        "an empty length": post(b"Content-Length:"),
        "a chunk beyond 64 bits": post(chunked, body=b"10000000000000013\r\n{}\r\n0\r\n\r\n"),
        "a negative chunk": post(chunked, body=b"-1\r\n{}\r\n0\r\n\r\n"),
        "a chunk of words": post(chunked, body=b"two\r\n{}\r\n0\r\n\r\n"),
        "a chunk that is longer than it says": post(chunked, body=b"2\r\n{}{}\r\n0\r\n\r\n"),
    }.items():
        refused(name, data)


@tap.test("malformed heads are refused")
def _():
    get = b"GET /v1/hall HTTP/1.1\r\n"
    for name, data in {
        "no host": get + b"\r\n",
        "two hosts": get + HOST + HOST + b"\r\n",
        "two authorizations": b"GET /v1/session HTTP/1.1\r\n" + HOST + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
        "two types": b"POST /v1/challenges HTTP/1.1\r\n" + HOST + JSON + b"Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
        "a NUL in a name": get + HOST + b"X\0A: b\r\n\r\n",
        "no colon": get + HOST + b"nothing\r\n\r\n",
        "no version": b"GET /v1/hall\r\n\r\n",
        "another version": b"GET /v1/hall HTTP/9.9\r\n" + HOST + b"\r\n",
        "no protocol": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n",
        "a huge header": get + HOST + b"X-A: " + b"a" * 60000 + b"\r\n\r\n",
        "many headers": get + HOST + b"".join(b"X-%d: a\r\n" % i for i in range(5000)) + b"\r\n",
        "a huge path": b"GET /" + b"a" * 60000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        "a huge method": b"G" * 60000 + b" / HTTP/1.1\r\n" + HOST + b"\r\n",
        "a proxy's method": b"CONNECT hall.test:443 HTTP/1.1\r\n" + HOST + b"\r\n",
        "an unknown method": b"BREW /v1/hall HTTP/1.1\r\n" + HOST + b"\r\n",
    }.items():
        refused(name, data, then=b"")


@tap.test("paths that try to be others are not found")
def _():
    secret = ("/v1/packages/../content", "/v1/packages/..%2f..%2fca%2fca.key/content", "/v1/packages/%2e%2e/content", "/v1/packages/./content",
              "/v1/packages/manifest.json/content", "/v1/packages/ca.key%00/content", "/v1/packages/%c0%ae%c0%ae/content", "/v1/packages/a%0d%0aX-A:b/content",
              "/v1/packages/" + "a" * 64 + "/content", "/v1/packages//etc/passwd/content", "/v1/packages/simkey-pkcs11%00x/content",
              "/v1/hall%00", "/v1/hall%00/x", "/healthz%00.png", "/v1/../v1/hall", "/v1%2fhall", "/v1/hall%", "/v1/hall%zz", "/%", "/v1/hall;x=1", "/v1\\hall")
    for path in secret:
        answer = client.get(path)
        tap.equal(answer.status, 404, path)
        tap.check("X-A" not in answer.headers, "a header was made of the path")
    for path in (b"/v1/none\0", b"/v1/hall\xff", b"/v1/\xe5\xa4\xa7"):
        refused(repr(path), b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n", then=b"")


def wrong_body(body, *codes, path="/v1/challenges", token=None):
    answer = client.post(path, body=body, token=token)
    tap.check(answer.status in (400, 422) and answer.json["code"] in codes, f"{body[:80]!r}: {answer.body!r}")
    is_up()


@tap.test("JSON that is none, or absurd, is refused")
def _():
    for body in (b"[" * 8000, b'{"purpose":' * 1400, b'{"a":' * 40 + b"1" + b"}" * 40, b'{"purpose":"login', b'{"purpose":"\xff\xfe"}',
                 b'\xff\xfe{\x00}\x00', b'{"purpose":login}', b'{purpose:"login"}', b"\0", b'{"purpose":"login"}\0',
                 b"/**/{}", b'{"purpose":01}', b'{"purpose":1e}', b"-", b'"' * 9000):
        wrong_body(body, "bad-input")
    for body in (b'{"purpose":"login\\u0000"}', b'{"purpose":"\\ud800"}', b'{"purpose":"\xed\xa0\x80"}', b'{"purpose":"\xc0\xaf"}', b'{"purpose":null}',
                 b'{"purpose":{}}', b'{"purpose":["login"]}', b'{"purpose":1e999}', b'{"purpose":NaN}', b'{"purpose":-99999999999999999999999999999999}', b'{"purpose":' + b"9" * 9000 + b"}", b'{"purpose":true}', b"{}",
                 b'{"purpose":"' + b"l" * 9000 + b'"}', '{"purpose":"ｌｏｇｉｎ"}'.encode()):
        wrong_body(body, "invalid-field", "bad-input")


@tap.test("values that are not what they seem are refused")
def _():
    person = Holder(client, Certificate(where))
    good = person.login_request()
    der = person.certificate.der

    def with_field(name, value):
        return json.dumps(dict(good, **{name: value})).encode()

    for value in (b64(der) + "\0junk", b64(der)[:-4] + "====", b64(der) + "\n", "A", b64(der) + "=", "-_-_", 5, None, []):
        wrong_body(with_field("certificate", value), "invalid-field", path="/v1/sessions")
    for value in (der + b"\0", der[:-1], b"\x30\x84\xff\xff\xff\xff" + der, b"\x30\x80" * 3000, b""):
        wrong_body(with_field("certificate", b64(value)), "certificate-malformed", "invalid-field", path="/v1/sessions")
    for name, value in (("challenge", good["challenge"] + "\0"), ("challenge", "a" * 64), ("algorithm", "x" * 32), ("algorithm", "\0")):
        wrong_body(with_field(name, value), "invalid-field", path="/v1/sessions")
    for name, value in (("challenge", good["challenge"].upper()), ("challenge", " " + good["challenge"]), ("challenge", "' OR '1'='1")):
        client.post("/v1/sessions", body=with_field(name, value)).is_problem(409, "challenge-invalid")
    for name, value in (("signature", b64(b"\x30" * 4000)), ("signature", ""), ("algorithm", "%s%n"), ("algorithm", "RSA-MD5")):
        answer = client.post("/v1/sessions", body=with_field(name, value))
        tap.check(answer.status in (403, 422), answer.body)
    client.post("/v1/sessions", good).is_ok(201)


@tap.test("odd tokens and event numbers do no harm")
def _():
    person = Holder(client, Certificate(where))
    person.login()
    person.order()
    for token in ("'" * 64, "%" * 64, "\xff" * 64, "0" * 64, "a" * 5000, person.token.upper(), person.token + " ", person.token[:-1]):
        answer = client.call("GET", "/v1/session", headers={"Authorization": "Bearer " + token})
        tap.check(answer.status == 401 or token == person.token + " ", token)
    for last in ("-1", "9" * 18, "9" * 400, "1;1", "%00", "0x1", ""):
        with raw_socket() as sock:
            sock.sendall(b"GET %s HTTP/1.1\r\n%sAuthorization: Bearer %s\r\nLast-Event-ID: %s\r\n\r\n"
                         % (person.path("/events").encode(), HOST, person.token.encode(), last.encode()))
            tap.contains(sock.recv(65536), b" 200 ")
        is_up()


@tap.test("who is slow, or leaves in the middle, is cut off")
def _():
    for name, data in {"nothing": b"", "half a line": b"GET /v1/ha", "half a head": b"GET /v1/hall HTTP/1.1\r\n" + HOST,
                       "half a body": post(b"Content-Length: 1000"), "half a chunk": post(b"Transfer-Encoding: chunked", body=b"100\r\n{"),
                       "a body that was announced": post(b"Content-Length: 19", b"Expect: 100-continue", body=b"")}.items():
        with raw_socket() as sock:
            sock.settimeout(20)
            sock.sendall(data)
            got = read_all(sock) # ends only when the service closes
            tap.check(got == b"" or b" 100 " in got or b" 408 " in got, f"{name}: {got[:200]!r}")
        is_up()
    manifest = json.loads(base64.b64decode(client.get("/v1/packages").json["manifest"]))
    package = manifest["packages"][0]["id"].encode()
    for ask in (b"GET /v1/packages/%s/content HTTP/1.1\r\n" % package + HOST + b"\r\n", NEXT * 50, post(b"Content-Length: 1000")):
        for _ in range(5):
            sock = raw_socket()
            sock.sendall(ask)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close() # a reset
        is_up()


@tap.test("a body far beyond the limit is not read to its end")
def _():
    with raw_socket() as sock:
        try:
            sock.sendall(post(b"Transfer-Encoding: chunked", body=b""))
            for _ in range(4096):
                sock.sendall(b"1000\r\n" + b"a" * 4096 + b"\r\n")
            raise AssertionError("16 MB were taken")
        except (ConnectionError, ssl.SSLError):
            pass
    is_up()


@tap.test("what is not TLS 1.2 or later is not spoken to")
def _():
    with plain_socket() as sock:
        sock.sendall(NEXT)
        tap.check(b"HTTP" not in read_all(sock), "plain HTTP")
    for junk in (b"\x16\x03\x01", b"\x80" * 5000, b"\x16\x03\x03\xff\xff" + b"\0" * 70000):
        with plain_socket() as sock:
            try:
                sock.sendall(junk)
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            read_all(sock)
        is_up()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore") # that they are old is the point
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.minimum_version = ssl.TLSVersion.TLSv1
    with tap.raises(OSError):
        old.wrap_socket(plain_socket(), server_hostname="localhost")
    is_up()


@tap.test("after all that the service ends as it should, and no sanitizer has spoken")
def _():
    tap.equal(where.service.stop(), 0)
    with open(where.service.log, errors="replace") as file:
        text = file.read()
    for word in ("Sanitizer", "runtime error"):
        tap.check(word not in text, text[-3000:])


tap.run()
