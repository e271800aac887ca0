"""What the hall has signed is hostile all the same: help texts that would move the terminal, too many and too deep; files to download whose names
lead elsewhere and whose sizes lie."""
import base64
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests/journey"))
import hall
import hostile_hall
import tap
import walk
from hostile_hall import only_pictures, openssl, rebase64, unbase64

EVIL = "\x1b[5;31;7m\x1b]52;c;UFdORUQ=\x07\x1b]8;;https://evil.example.test/\x1b\\\x1bP$q\"p\x1b\\\x9b2J\x9d0;x\x9c\u202e\u2066\u200b\U000e0041\x7f\r" + "e" + "\u0301" * 200
SEEN = "[5;31;7m]52;c;UFdORUQ=]8;;https://evil."
PAGES = 2100

where = hall.Hall(certs=[("测试样票有限公司", "ec:P-256", -345, 20)])
proxy = hostile_hall.Proxy(where, timeout=20)
RAW = os.path.join(where.dir, "run/raw")


def signed(document, text, by="signer"):
    """The answer, with another text signed in it."""
    signer = os.path.join(where.dir, "hall", by)
    document["manifest"] = rebase64(text)
    document["signature"] = rebase64(openssl("cms", "-sign", "-binary", "-md", "sha256", "-outform", "DER", "-signer", signer + ".pem", "-inkey", signer + ".key", input=text))


def manifest_of(document):
    return json.loads(unbase64(document["manifest"]))


def written(person):
    person.screen.quiet()
    with open(RAW, "rb") as file:
        raw = file.read()
    only_pictures(raw)
    tap.check(b"\x1b[5;31;7m" not in raw and b"\xcc\x81" * 5 not in raw, "written to the terminal")
    before = person.screen.text()
    person.key("C-l")
    person.screen.quiet()
    tap.equal(person.screen.text(), before)


class Reader(walk.Walk):
    """A person without a key, in a home of their own."""

    def __init__(self, home=None):
        self.at = home or where.new_home()
        super().__init__(where, "en", home=self.at)
        self.screen.close()
        self.screen = where.certhall(env=where.env("en", home=self.at), raw=RAW)
        self.home()

    def kept(self):
        try:
            with open(os.path.join(self.at, "data/certhall/help/en.json"), "rb") as file:
                return json.loads(base64.b64decode(json.load(file)["manifest"]))
        except FileNotFoundError:
            return None

    def until_kept(self, holds=lambda kept: kept is not None):
        for _ in range(3000):
            if holds(self.kept()):
                return
            time.sleep(0.01)
        raise AssertionError("not kept")

    def questions(self):
        self.key("4")
        self.title("Help centre")
        self.key("3", "Enter")
        self.title("Questions and answers")


def spoil_help(document):
    bundle = manifest_of(document)
    for file in bundle["files"]:
        if file["name"] == "cert.md":
            file["text"] = "".join(f"# c{EVIL}\n\n## C{i:05} question {i:05} {EVIL}\nkeywords: word{i:05} {EVIL}\n\nanswer {i:05} {EVIL}\n\n" for i in range(3))
            file["text"] += "".join(f"## D{i:05} deep {i:05}\nkeywords: deep{i}\n\nfar down {i}\n\n" for i in range(PAGES))
    signed(document, json.dumps(bundle).encode())


@tap.test("escape sequences in titles, keywords and answers; 2,100 questions")
def _():
    with proxy.change("GET /v1/help/en", spoil_help), Reader() as person:
        person.until_kept()
        person.questions()
        person.screen.wait("question 00000 " + SEEN)
        written(person)
        person.key("Enter")
        person.screen.wait("answer 00000 " + SEEN)
        written(person)
        person.screen.type("word00001")
        person.screen.wait("question 00001")
        person.key("Enter")
        person.screen.wait("answer 00001")
        written(person)
        person.key("C-u")
        person.screen.type("deep2099")
        person.screen.wait("deep 02099")
        person.key("C-u")
        person.screen.wait("question 00000")
        began = time.monotonic()
        for _ in range(5):
            person.key("PageDown")
        person.key("?")
        person.screen.quiet()
        tap.check(time.monotonic() - began < 5, "slow")
        written(person)


def refused(change, home, said):
    """What is kept stays when such a bundle comes; the log says why."""
    log = os.path.join(home, "state/certhall/certhall.log")
    with proxy.change("GET /v1/help/en", change), open(log, errors="replace") as file:
        file.seek(0, os.SEEK_END)
        told = ""
        with Reader(home) as person:
            before = person.kept()
            end = time.monotonic() + 20
            while said not in told:
                told += file.read()
                tap.check(time.monotonic() < end, f"not refused: {told[-600:]}")
                time.sleep(0.01)
            tap.equal(person.kept(), before)
            person.questions()
            person.screen.wait("honest title")
            written(person)


def honest(document, issued=0):
    bundle = manifest_of(document)
    for file in bundle["files"]:
        if file["name"] == "cert.md":
            file["text"] = "## C01 honest title\n\nhonest answer\n"
    bundle["version"] = "00"
    bundle["issued"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + issued))
    return bundle


@tap.test("a bundle that is forged, old or broken does not take the place of the one that is kept")
def _():
    with proxy.change("GET /v1/help/en", lambda doc: signed(doc, json.dumps(honest(doc)).encode())), Reader() as person:
        person.until_kept(lambda kept: kept is not None and kept["version"] == "00")
        home = person.at
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=signer", "-keyout", os.path.join(where.dir, "hall/stranger.key"), "-out",
            os.path.join(where.dir, "hall/stranger.pem"))

    def sign(make, by="signer"):
        return lambda doc: signed(doc, make(doc), by)
    text = lambda doc: json.dumps(honest(doc)).encode()  # noqa: E731
    for name, change, said in [
            ("of a stranger", sign(text, "stranger"), "package-signature"),
            ("changed behind the signature", lambda doc: (signed(doc, text(doc)), doc.update(manifest=rebase64(text(doc) + b" "))) and None, "package-signature"),
            ("older", sign(lambda doc: json.dumps(honest(doc, -86400)).encode()), "older than what is kept"),
            ("of tomorrow", sign(lambda doc: json.dumps(honest(doc, 86400)).encode()), "from the future"),
            ("half of it", sign(lambda doc: text(doc)[:len(text(doc)) // 2]), "bad-input"),
            ("of no language", sign(lambda doc: json.dumps({**honest(doc), "language": "../en"}).encode()), "another language"),
            ("nothing in it", sign(lambda doc: json.dumps({**honest(doc), "files": []}).encode()), "cannot be read"),
            ("more files than there can be", sign(lambda doc: json.dumps({**honest(doc), "files": honest(doc)["files"] * 20}).encode()), "invalid-field")]:
        with tap.step(name):
            refused(change, home, said)


def package(**change):
    def spoil(document):
        listed = manifest_of(document)
        one = next(one for one in listed["packages"] if one["kind"] == "driver" and one["os"] in ("linux", "any"))
        listed["packages"] = [{**one, **change}]
        signed(document, json.dumps(listed).encode())
    return spoil


@tap.test("files whose names lead elsewhere, whose sizes lie, whose words move the terminal")
def _():
    for name, change, said in [("up", {"file": "../../x"}, "not signed by this hall"), ("absolute", {"file": "/tmp/certhall-evil"}, "not signed by this hall"), ("hidden", {"file": ".bashrc"}, "not signed by this hall"),
                               ("an id that is a path", {"id": "../x"}, "not signed by this hall"), ("a link as file", {"file": "http://evil.example.test/x"}, "not signed by this hall"),
                               ("larger than told", {"size": 1000}, "not the one the hall lists"), ("smaller than told", {"size": 400_000_000}, "not the one the hall lists"),
                               ("no hash", {"sha256": "x" * 64}, "not the one the hall lists"),
                               ("words", {"name": "w" + EVIL[:30], "notes": EVIL[:60], "sha256": "0" * 64}, "not the one the hall lists")]:
        with tap.step(name), proxy.change("GET /v1/packages", package(**change)), Reader() as person:
            person.key("4")
            person.title("Help centre")
            person.key("2", "Enter")
            person.title("Downloads")
            person.screen.wait("this machine")
            person.key("Enter")
            person.see("Save puts it into the download folder")
            written(person)
            person.key("Enter")
            person.screen.wait("not saved")
            person.screen.wait(said)
            written(person)
            left = [os.path.join(at, one) for at, _, names in os.walk(person.at) for one in names if "state" not in at and "help" not in at]
            tap.equal([one for one in left if not one.endswith("certhall.log")], [])
            tap.equal([os.path.exists(path) for path in ("/tmp/certhall-evil", os.path.join(where.dir, "x"))], [False, False])


tap.run()
