#!/usr/bin/env python3
"""Every way in which the way to the hall can fail has an error of its own."""
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import server
import chaos
import tap
from server import HALL, Server


def fails(host, wanted, *call, param=None):
    status, lines = host.probe(*(call or ("info",)))
    tap.equal(status, 1)
    tap.equal(len(lines), 1)
    word, code, *rest = lines[0].split(" ", 2)
    tap.equal((word, code), ("error", wanted))
    if param is not None:
        tap.equal(rest[0], param)


@tap.test("an answer")
def _():
    with Server(lambda h: h.send(200, HALL)) as host:
        host.configure()
        status, lines = host.probe("info")
        tap.equal(status, 0)
        tap.contains(lines[0], "ok 测试大厅")
        tap.equal(host.requests[0][0:2], ("GET", "/v1/hall"))


@tap.test("nothing is sent before the first call, and a configuration that cannot be is said plainly")
def _():
    with Server(lambda h: h.send(200, HALL)) as host:
        host.configure(url="http://127.0.0.1:1")
        fails(host, "config")
        host.configure(timeout=0)
        fails(host, "config")
        host.configure(url=5)
        fails(host, "config")
        with open(host.path("certhall.conf"), "w") as file:
            file.write("hall = {\n url = \n")
        fails(host, "config")
        tap.equal(host.requests, [])


@tap.test("without libcurl on the machine it says so")
def _():
    with Server(lambda h: h.send(200, HALL)) as host:
        host.configure()
        with open(host.path("libcurl.so.4"), "w") as file:
            file.write("no library")
        status, lines = host.probe("info", env={"LD_LIBRARY_PATH": os.path.dirname(host.path("libcurl.so.4"))})
        tap.equal((status, lines[0].split(" ")[:3]), (1, ["error", "unexpected", "libcurl.so.4"]))


@tap.test("a name that does not resolve")
def _():
    with Server(None) as host:
        host.configure(url="https://no-such-hall.invalid")
        fails(host, "net-resolve", param="https://no-such-hall.invalid")
        host.configure(proxy="http://no-such-proxy.invalid:3128")
        fails(host, "net-resolve", param="http://no-such-proxy.invalid:3128")


@tap.test("nobody listens")
def _():
    with socket.socket() as closed, Server(None) as host:
        closed.bind(("127.0.0.1", 0))
        host.configure(url=f"https://127.0.0.1:{closed.getsockname()[1]}")
        fails(host, "net-connect")


@tap.test("no answer in time")
def _():
    with Server(lambda h: host.closing.wait(60)) as host:
        host.configure(timeout=1)
        fails(host, "net-timeout")


@tap.test("a certificate of somebody else, for another name, or with another key than the pinned one")
def _():
    with Server(lambda h: h.send(200, HALL)) as host, Server(None) as other, Server(lambda h: h.send(200, HALL), names="DNS:other.invalid") as wrong_name:
        host.configure(ca=other.path("cert.pem"))
        fails(host, "net-tls")
        host.configure(ca=None)
        fails(host, "net-tls")
        host.configure(pin="sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        fails(host, "net-tls")
        host.configure(ca=host.path("nothing.pem"))
        fails(host, "config", param="hall.ca_file")
        wrong_name.configure()
        fails(wrong_name, "net-tls")
        tap.equal(host.requests + wrong_name.requests, [])
        key = server.openssl("x509", "-in", host.path("cert.pem"), "-pubkey", "-noout")
        der = server.openssl("pkey", "-pubin", "-outform", "DER", input=key)
        pin = server.openssl("base64", "-A", input=server.openssl("dgst", "-sha256", "-binary", input=der)).decode()
        host.configure(pin=f"sha256//{pin}")
        tap.equal(host.probe("info")[0], 0)


@tap.test("no TLS below 1.2")
def _():
    import ssl
    import warnings
    with Server(lambda h: h.send(200, HALL)) as host:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context = host.httpd.socket.context
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        host.configure()
        fails(host, "net-tls")


NONSENSE = [
    ("no JSON", lambda h: h.send(200, b"{", kind="application/json")),
    ("not an object", lambda h: h.send(200, [])),
    ("a member is missing", lambda h: h.send(200, {k: v for k, v in HALL.items() if k != "time"})),
    ("HTML", lambda h: h.send(200, b"<html>", kind="text/html")),
    ("a redirect", lambda h: h.send(302, b"", Location=f"https://127.0.0.1:{h.server.server_address[1]}/elsewhere")),
    ("too long", lambda h: h.send(200, b" " * (5 << 20))),
    ("an error page", lambda h: h.send(418, b"<html>", kind="text/html")),
]


@tap.test("what cannot be understood")
def _():
    with Server(None) as host:
        host.configure()
        for name, answer in NONSENSE:
            with tap.step(name):
                host.answer = answer
                host.requests.clear()
                fails(host, "net-protocol")
                tap.equal([path for _, path, _, _ in host.requests], ["/v1/hall"])


@tap.test("problems, with and without a problem document")
def _():
    with Server(None) as host:
        host.configure()
        for status, code, param in [(403, "renewal-too-early", "2027-01-01"), (409, "order-state", ""), (429, "rate-limited", ""), (401, "session-needed", "")]:
            host.answer = lambda h: h.problem(status, code, param)
            fails(host, code, param=param)
        for status, code in [(503, "net-overloaded"), (509, "net-overloaded"), (504, "net-timeout"), (404, "not-found"), (429, "rate-limited"), (500, "net-protocol")]:
            host.answer = lambda h: h.send(status, b"<html>", kind="text/html")
            fails(host, code)
        host.answer = lambda h: h.problem(400, "a-code-of-tomorrow")
        fails(host, "unexpected", param="a-code-of-tomorrow")
        host.answer = lambda h: h.problem(403, "renewal-too-early", "\x1b[31m2027\u202e")
        fails(host, "renewal-too-early", param="[31m2027")


def cut(handler):
    """Ends without an answer."""
    handler.connection.shutdown(socket.SHUT_RDWR)


@tap.test("a line that goes while the hall shows who it is: no word of a false identity, and it is tried three times")
def _():
    for spoil in (lambda line: line.set(limit=600), lambda line: [line.at(n * 600, line.reset) for n in (1, 2, 3)]):
        with Server(lambda h: h.send(200, HALL)) as host, chaos.Proxy(host.port) as line:
            host.configure(url=f"https://127.0.0.1:{line.port}")
            spoil(line)
            fails(host, "net-connect")
            tap.equal(len(line.connections), 3)


@tap.test("a lost connection is tried three times where that does no harm")
def _():
    with Server(cut) as host:
        host.configure()
        fails(host, "net-connect", "order", "AZT112217NR3QT")
        tap.equal(len(host.requests), 3)
        host.requests.clear()
        fails(host, "net-connect", "request", "AZT112217NR3QT")
        tap.equal(len(host.requests), 1)
        host.requests.clear()
        host.answer = lambda h: cut(h) if len(host.requests) < 3 else h.send(201, server.order(1))
        status, lines = host.probe("submit")
        tap.equal((status, lines), (0, ["ok AZT112217NR3QT 1"]))
        tap.equal([request[3] for request in host.requests].count(host.requests[0][3]), 3)
        tap.equal(host.requests[0][2]["Content-Type"], "application/json")


@tap.test("an order's number cannot lead elsewhere")
def _():
    with Server(lambda h: h.problem(404, "order-none")) as host:
        host.configure()
        fails(host, "order-none", "order", "../hall")
        tap.equal(host.requests[0][1], "/v1/orders/-")


tap.run()
