#!/usr/bin/env python3
"""The hall's components: a signed list, a download that goes on where it stopped, and nothing kept that is not genuine."""
import base64
import hashlib
import os
import platform
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import server
import tap
from server import Server

CONTENT = os.urandom(300_000)


def package(**more):
    return {"id": "simkey", "name": "SimKey 测试", "version": "1.0", "os": platform.system().lower(), "arch": platform.machine(), "size": len(CONTENT),
            "sha256": hashlib.sha256(CONTENT).hexdigest(), "file": "libsim.so", **more}


class Packages(Server):
    def __init__(self, packages, content=None):
        super().__init__(self._answer)
        self.packages, self.content = packages, content or self.whole
        for name in ("signer", "stranger"):
            server.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                           "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.pem"))
        self.signer = "signer"
        self.configure(more='components = { signer = "signer.pem"; };\n')

    def manifest(self):
        import json
        return json.dumps({"issued": "2026-11-22T00:00:00Z", "packages": self.packages}).encode()

    def sign(self, data):
        return server.openssl("cms", "-sign", "-binary", "-md", "sha256", "-outform", "DER", "-signer", self.path(f"{self.signer}.pem"),
                              "-inkey", self.path(f"{self.signer}.key"), input=data)

    def _answer(self, handler):
        if handler.path.endswith("/content"):
            return self.content(handler)
        manifest = self.manifest()
        handler.send(200, {"manifest": base64.b64encode(manifest).decode(), "signature": base64.b64encode(self.sign(manifest)).decode()})

    def whole(self, handler):
        handler.send(200, CONTENT, kind="application/octet-stream")

    def ranged(self, handler, most=None):
        """As the hall answers; at most so many bytes, then the connection is gone."""
        start = int((handler.headers["Range"] or "bytes=0-").split("=")[1].rstrip("-"))
        body = CONTENT[start:start + most if most else None]
        handler.send(206 if start else 200, body, kind="application/octet-stream", Content_Length=len(CONTENT) - start,
                     **({"Content_Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"} if start else {}))

    def ranges(self):
        return [headers["Range"] for _, path, headers, _ in self.requests if path.endswith("/content")]

    def folder(self, name=""):
        return os.path.join(self.path("data"), "certhall/components/simkey-1.0", name)

    def put(self, name, data):
        os.makedirs(self.folder(), exist_ok=True)
        with open(self.folder(name), "wb") as file:
            file.write(data)

    def installed(self):
        status, lines = self.probe("download", "0")
        tap.equal((status, lines[-1]), (0, "ok " + self.folder("libsim.so")))
        with open(self.folder("libsim.so"), "rb") as file:
            tap.check(file.read() == CONTENT, "not the file that was sent")
        tap.equal(os.listdir(self.folder()), ["libsim.so"])
        return lines

    def refused(self, code, left=()):
        status, lines = self.probe("download", "0")
        tap.equal(status, 1)
        tap.equal(lines[-1].split(" ")[:2], ["error", code])
        tap.equal(sorted(os.listdir(self.folder())) if os.path.isdir(self.folder()) else [], sorted(left))


@tap.test("what is for this machine is listed")
def _():
    with Packages([package(), package(id="other-os", os="plan9"), package(id="other-arch", arch="pdp11")]) as host:
        tap.equal(host.probe("packages"), (0, ["ok simkey libsim.so"]))
        host.packages = host.packages[1:]
        tap.equal(host.probe("packages")[1][0].split(" ")[:2], ["error", "package-none"])


@tap.test("a list signed by somebody else, or changed after it was signed, is refused")
def _():
    with Packages([package()]) as host:
        host.signer = "stranger"
        tap.equal(host.probe("packages")[1][0].split(" ")[:2], ["error", "package-signature"])
        host.signer = "signer"
        sign = host.sign
        host.sign = lambda data: sign(data + b" ")
        tap.equal(host.probe("packages")[1][0].split(" ")[:2], ["error", "package-signature"])


@tap.test("the help centre's content: whose signature it has, and what need not be sent again")
def _():
    with Packages([]) as host:
        host.manifest = lambda: b'{"any": "bytes"}'
        tap.equal(host.probe("help", "zh_CN"), (0, ['ok {"any": "bytes"}']))
        tap.equal(host.requests[-1][1:2], ("/v1/help/zh_CN",))
        tap.equal(host.requests[-1][2]["If-None-Match"], None)
        host.signer = "stranger"
        tap.equal(host.probe("help", "zh_CN")[1][0].split(" ")[:2], ["error", "package-signature"])
        host.signer = "signer"
        host.answer = lambda handler: handler.send(304, kind=None)
        known = "0123456789abcdef" * 4
        tap.equal(host.probe("help", "zh_CN", known), (0, ["ok as known"]))
        tap.equal(host.requests[-1][2]["If-None-Match"], f'"{known}"')
        tap.equal(host.probe("help", "zh_CN")[1][0].split(" ")[:2], ["error", "net-protocol"], "nothing was known")
        tap.equal(host.probe("help", "zh_CN", 'a"\r\nX: y')[1][0].split(" ")[:2], ["error", "net-protocol"])
        tap.equal((host.requests[-1][2]["If-None-Match"], host.requests[-1][2]["X"]), (None, None))
        host.probe("help", "../hall")
        tap.equal(host.requests[-1][1], "/v1/help/-")
        host.answer = lambda handler: handler.problem(404, "not-found")
        tap.equal(host.probe("help", "zh_CN")[1][0].split(" ")[:2], ["error", "not-found"])
        host.answer = lambda handler: handler.send(200, {"manifest": "*", "signature": ""})
        tap.equal(host.probe("help", "zh_CN")[1][0].split(" ")[:2], ["error", "net-protocol"])


@tap.test("a download, private to its owner")
def _():
    with Packages([package()]) as host:
        host.installed()
        tap.equal(os.stat(host.folder("libsim.so")).st_mode & 0o777, 0o600)
        tap.equal(os.stat(host.folder()).st_mode & 0o777, 0o700)


@tap.test("a connection that breaks is taken up again")
def _():
    with Packages([package()]) as host:
        host.content = lambda h: host.ranged(h, 120_000)
        lines = host.installed()
        tap.equal(host.ranges(), [None, "bytes=120000-", "bytes=240000-"])
        tap.contains(lines, f"progress 120000 {len(CONTENT)}")
        tap.contains(lines, f"progress 240000 {len(CONTENT)}")


@tap.test("a part of an earlier start is gone on with")
def _():
    with Packages([package()]) as host:
        host.content = host.ranged
        host.put("libsim.so.part", CONTENT[:1000])
        host.installed()
        tap.equal(host.ranges(), ["bytes=1000-"])


@tap.test("a hall without ranges, a part that is too long, a part that is whole")
def _():
    with Packages([package()]) as host:
        host.put("libsim.so.part", b"something else")
        host.installed()
        os.unlink(host.folder("libsim.so"))
        host.put("libsim.so.part", CONTENT + b"more")
        host.installed()
        os.unlink(host.folder("libsim.so"))
        host.requests.clear()
        host.put("libsim.so.part", CONTENT)
        host.installed()
        tap.equal(host.ranges(), [])


@tap.test("a range the hall cannot give")
def _():
    with Packages([package()]) as host:
        host.put("libsim.so.part", CONTENT[:1000])
        host.content = lambda h: h.problem(416, "range") if h.headers["Range"] else host.whole(h)
        host.installed()


@tap.test("what is not what the list says is deleted")
def _():
    with Packages([package()]) as host:
        host.content = lambda h: h.send(200, bytes(len(CONTENT)), kind="application/octet-stream")
        host.refused("package-hash")
        host.content = lambda h: h.send(200, CONTENT + b"x", kind="application/octet-stream")
        host.refused("package-hash")
        host.content = lambda h: h.send(200, CONTENT[:-1], kind="application/octet-stream")
        host.refused("package-hash")


@tap.test("a part of another file is begun anew, once")
def _():
    with Packages([package()]) as host:
        host.put("libsim.so.part", b"x" * 1000)
        host.content = host.ranged
        host.installed()
        tap.equal(host.ranges(), ["bytes=1000-", None])
        os.unlink(host.folder("libsim.so"))
        host.requests.clear()
        host.put("libsim.so.part", b"x" * 1000)
        host.content = lambda h: h.send(206 if h.headers["Range"] else 200, bytes(len(CONTENT) - (1000 if h.headers["Range"] else 0)), kind="application/octet-stream")
        host.refused("package-hash")
        tap.equal(host.ranges(), ["bytes=1000-", None])


@tap.test("a name never leads out of the folder")
def _():
    for bad in (package(file="../libsim.so"), package(file=".hidden"), package(id="..", file="x"), package(version="1/2"), package(file="a b")):
        with Packages([bad]) as host:
            status, lines = host.probe("download", "0")
            tap.equal((status, lines[-1].split(" ")[:2]), (1, ["error", "package-signature"]))
            tap.equal(host.ranges(), [])


@tap.test("a link in the place of the part is not followed")
def _():
    with Packages([package()]) as host:
        os.makedirs(host.folder())
        victim = host.path("victim")
        with open(victim, "w") as file:
            file.write("mine")
        os.symlink(victim, host.folder("libsim.so.part"))
        host.refused("file", left=["libsim.so.part"])
        with open(victim) as file:
            tap.equal(file.read(), "mine")


@tap.test("a hall that says no")
def _():
    with Packages([package()]) as host:
        host.content = lambda h: h.problem(404, "not-found")
        host.refused("not-found", left=["libsim.so.part"])


tap.run()
