"""Bounds and strictness of the service's HTTP, spoken byte by byte."""
import http.client
import json
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from office import Office, Stream
import tap

office = Office(bank=False)


def raw(data, read_all=False):
    """Sends bytes over TLS; the status of the answer, 0 when the connection was cut."""
    with socket.create_connection(("127.0.0.1", office.port), timeout=30) as plain, office.tls().wrap_socket(plain, server_hostname="127.0.0.1") as secured:
        secured.sendall(data)
        got = b""
        try:
            while b"\r\n" not in got:
                part = secured.recv(65536)
                if not part:
                    break
                got += part
        except OSError:
            pass
    return int(got.split(b" ")[1]) if got else 0


def head(*lines, method="GET", path="/v1/hall", body=b""):
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode() + body


@tap.test("What a message means must not be in doubt")
def _():
    cases = {
        "plain": (200, head("Host: a")),
        "no Host": (400, head()),
        "two Hosts": (400, head("Host: a", "Host: b")),
        "two Content-Lengths": (400, head("Host: a", "Content-Type: application/json", "Content-Length: 2", "Content-Length: 3", method="POST", path="/v1/challenges", body=b"{} ")),
        "length and chunks": (400, head("Host: a", "Content-Type: application/json", "Content-Length: 2", "Transfer-Encoding: chunked", method="POST", path="/v1/challenges", body=b"0\r\n\r\n")),
        "signed length": (400, head("Host: a", "Content-Type: application/json", "Content-Length: +2", method="POST", path="/v1/challenges", body=b"{}")),
        "space before the colon": (400, head("Host: a", "X-Thing : b")),
        "two Authorizations": (400, head("Host: a", "Authorization: Bearer x", "Authorization: Bearer y")),
        "a body where there is none": (413, head("Host: a", "Content-Type: application/json", "Content-Length: 2", body=b"{}")),
    }
    for name, (wanted, data) in cases.items():
        tap.equal(raw(data), wanted, name)
    tap.check(raw(head("Host: a", "Content-Type: application/json", "Transfer-Encoding: xchunked", method="POST", path="/v1/challenges")) in (0, 400, 501), "an unknown coding")
    tap.check(raw(head("Host: a", "X-Long: " + "x" * 40000)) in (0, 413, 431), "a head too long")


@tap.test("Bodies are bounded, also without a length, and must be JSON")
def _():
    office.request("POST", "/v1/challenges", body="x" * 65537, headers={"Content-Type": "application/json"}).refused("too-large", 413)
    office.request("POST", "/v1/challenges", body=[b"x" * 40000, b"x" * 40000], headers={"Content-Type": "application/json"}).refused("too-large", 413)
    office.request("POST", "/v1/challenges", body="purpose=login", headers={"Content-Type": "application/x-www-form-urlencoded"}).refused("unsupported-media", 415)
    office.request("POST", "/v1/challenges", body="{}", headers={"Content-Type": "application/json; charset=gbk"}).refused("unsupported-media", 415)
    office.request("POST", "/v1/challenges", body='{"purpose":"login"}', headers={"Content-Type": "application/json; charset=utf-8"}).good(201)
    office.request("POST", "/v1/challenges", body='{"purpose":"login"} x', headers={"Content-Type": "application/json"}).refused("bad-input", 400)
    office.request("POST", "/v1/challenges", body="[" * 100, headers={"Content-Type": "application/json"}).refused("bad-input", 400)
    office.post("/v1/challenges").refused("bad-input", 400)
    office.post("/v1/challenges", {"purpose": 1}).refused("invalid-field", 422)


@tap.test("Unknown paths are 404, other methods 405 with what is allowed")
def _():
    for path in ("/", "/v1", "/v1/orders/", "/v1/orders/a/b", "/v1/orders/..%2f..%2fx", "/v1/hall/", "/v1/orders/" + "A" * 64):
        office.get(path).refused("not-found", 404)
    answer = office.request("PUT", "/v1/session")
    answer.refused("method-not-allowed", 405)
    tap.equal(answer.headers["Allow"], "GET, DELETE")
    tap.equal(office.request("DELETE", "/v1/hall").headers["Allow"], "GET")
    answer = office.get("/v1/session")
    tap.equal(answer.headers["WWW-Authenticate"], 'Bearer realm="certhall"')
    tap.equal(answer.headers["Cache-Control"], "no-store")


@tap.test("Requests have a rate, by address and by certificate")
def _():
    limited = Office(bank=False, address_rate=6, address_burst=4, certificate_rate=6, certificate_burst=3)
    for _ in range(4):
        limited.get("/v1/hall").good()
    answer = limited.get("/v1/hall")
    answer.refused("rate-limited", 429)
    tap.check(1 <= int(answer.headers["Retry-After"]) <= 10, answer.headers["Retry-After"])
    tap.equal(limited.get("/healthz").status, 200)
    limited.close()
    limited = Office(bank=False, certificate_rate=6, certificate_burst=3)
    token, other = limited.login(limited.cert()), limited.login(limited.cert())
    for _ in range(3):
        limited.get("/v1/session", token).good()
    answer = limited.get("/v1/session", token)
    answer.refused("rate-limited", 429)
    tap.check(int(answer.headers["Retry-After"]) >= 1)
    limited.get("/v1/session", other).good()
    limited.close()


@tap.test("Components are listed, signed, and downloaded in parts")
def _():
    office.get("/v1/packages").refused("not-found", 404)
    data = os.urandom(100000)
    with open(f"{office.dir}/packages/module.so", "wb") as file:
        file.write(data)
    office.write("packages/packages.conf", 'packages = ( { id = "mod-1"; name = "测试控件"; version = "1.0"; os = "linux"; arch = "x86_64"; file = "module.so"; models = "SimKey"; } );')
    tap.contains(office.certhalld("packages").stdout, "1 component")
    os.rename(f"{office.dir}/packages/packages.conf", f"{office.dir}/packages/good.conf")
    for wrong in ('kind = "virus";', 'released = "yesterday";', 'released = "2026-02-30";', 'released = "2026-2-3";', f'notes = "{"x" * 300}";'):
        office.write("packages/packages.conf", f'packages = ( {{ id = "mod-1"; name = "测试"; version = "1"; os = "any"; arch = "any"; file = "module.so"; {wrong} }} );')
        tap.equal(office.certhalld("packages", check=False).returncode, 1, wrong)
    os.rename(f"{office.dir}/packages/good.conf", f"{office.dir}/packages/packages.conf")
    answer = office.get("/v1/packages").good()
    import base64
    import hashlib
    from office import openssl, CONTRACT
    manifest = base64.b64decode(answer["manifest"])
    listed = json.loads(manifest)
    CONTRACT.validate({"$ref": "#/components/schemas/PackageList"}, listed, "manifest")
    tap.equal(listed["packages"][0]["sha256"], hashlib.sha256(data).hexdigest())
    with open(f"{office.dir}/manifest", "wb") as file:
        file.write(manifest)
    openssl("cms", "-verify", "-binary", "-inform", "DER", "-content", f"{office.dir}/manifest", "-certfile", f"{office.dir}/ca/signer.pem", "-nointern", "-noverify",
            "-out", "/dev/null", input=base64.b64decode(answer["signature"]))
    path = "/v1/packages/mod-1/content"
    whole = office.get(path)
    tap.equal((whole.status, whole.body, whole.headers["Accept-Ranges"]), (200, data, "bytes"))
    etag = whole.headers["ETag"]
    for text, part in (("bytes=0-9", data[:10]), ("bytes=99990-", data[99990:]), ("bytes=-5", data[-5:]), ("bytes=500-200000", data[500:])):
        answer = office.get(path, headers={"Range": text, "If-Range": etag})
        tap.equal((answer.status, answer.body), (206, part), text)
    tap.equal(office.get(path, headers={"Range": "bytes=99990-"}).headers["Content-Range"], "bytes 99990-99999/100000")
    tap.equal(office.get(path, headers={"Range": "bytes=5-9", "If-Range": '"other"'}).body, data)
    answer = office.get(path, headers={"Range": "bytes=100000-"})
    answer.refused("range", 416)
    tap.equal(answer.headers["Content-Range"], "bytes */100000")
    office.get("/v1/packages/none/content").refused("package-none", 404)


@tap.test("The service ends while a client is silent in the middle of a request")
def _():
    plain = socket.create_connection(("127.0.0.1", office.port))
    secured = office.tls().wrap_socket(plain, server_hostname="127.0.0.1")
    secured.sendall(b"POST /v1/challenges HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    office.get("/v1/hall").good()
    tap.equal(office.stop(), 0)
    secured.close()


tap.run()
