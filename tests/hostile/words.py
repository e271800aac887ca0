"""A hall whose words are made to move a terminal: nothing of them is written but what can be seen, on any page and line by line."""
import os
import sys
import time

for folder in ("journey", "renewal"):
    sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests", folder))
import hall
import hostile_hall
import tap
import walk
from hostile_hall import only_pictures, openssl, rebase64, sha256, unbase64
from renewals import DETAILS, DUE, Renewal, cert, only

TITLE = "测试甲（样票）"
HIDDEN = "\x1b\u202e\x07" # vanishes: what is needed as it was stays so
EVIL = "\x1b]0;PWNED\x07\x1b[31m\x9b5m\u202e\u2066\u200b\U000e0041\x7f\r\x0e\x1bP"
LEAVE = {"type", "fingerprint", "old_fingerprint", "status", "code", "state", "time", "created", "expires", "issued", "ordered", "old_not_after", "new_not_after", "renewable_from", "renewable_until", "paid_at",
         "certificate", "der", "pixels", "nonce", "manifest", "signature", "sha256", "spki_sha256", "role", "method", "qr_url", "standing", "format", "invoice_kind", "token",
         "minimum_version", "body"}
EXACT = {"id", "wallet", "reason", "number", "audience", "grant", "next", "algorithms", "order", "phone", "tax_no", "os", "arch", "file", "version", "project", "title", "contact"}


def spoilt(value, name=""):
    """The document with something in every text of it."""
    if isinstance(value, dict):
        return {key: spoilt(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [spoilt(one, name) for one in value]
    if not isinstance(value, str) or name in LEAVE:
        return value
    if name in ("id", "number", "grant", "next"): # have no room for more
        return value + HIDDEN[0]
    return value + (HIDDEN if name in EXACT else EVIL)


def spoil_session(document):
    document["applicant"] = {"contact": "样票", "phone": "13800000000", "title": DUE[0] + EVIL, "tax_no": "91350100M000100Y43", "email": "a@example.test" + EVIL,
                             "address": EVIL, "bank": EVIL}


def give_sheet(handler):
    handler.send(200, sheet(), kind="application/octet-stream")


def spoil_invoices(document):
    """What is listed is what is then given: the XML with the words in it."""
    for invoice in document.get("invoices", []):
        for file in invoice["files"]:
            if file["format"] == "xml":
                file.update(size=len(sheet()), sha256=sha256(sheet()))


def sheet():
    text = where.rows("SELECT content FROM invoice_file WHERE format = 'xml'")[0][0].decode()
    return text.replace(TITLE, TITLE + EVIL_XML).encode()


EVIL_XML = "\u0085\u009b31m\u202e\u2066\u200b\U000e0041&#x9b;&#x202e;PWNED" # what XML can hold


where = hall.Hall(certs=[cert(DUE, "ec:P-256")], settings={
    'algorithms = "rsa:2048,rsa:3072,ec:P-256"': 'algorithms = "ec:P-256"',
    "log = {": "sweep = { every = 1; first = 1; };\nlimits = { query_rate = 0; address_rate = 0; certificate_rate = 0; };\nlog = {"})
proxy = hostile_hall.Proxy(where, timeout=30)
proxy.rules += [("POST /v1/sessions", "change", spoil_session), (".*/v1/invoices/.*", "change", spoil_invoices), (".*", "change", spoilt)]
RAW = os.path.join(where.dir, "run/raw")


def said():
    with open(os.path.join(where.dir, "home/state/certhall/certhall.log"), errors="replace") as file:
        return file.read()[-1500:]


tap.on_failure(said)


def written(lines=False):
    with open(RAW, "rb") as file:
        raw = file.read()
    tap.check(len(raw) > 100, raw)
    only_pictures(raw, lines)
    return raw.decode()


class Person(walk.Walk):
    def __init__(self, lang="zh_CN"):
        super().__init__(where, lang, module=True)
        self.screen.close()
        self.screen = where.certhall(env=where.env(lang, module=True), raw=RAW)

    def __exit__(self, *error):
        if error[0] is None:
            tap.equal(self.screen.look()["title"], "")
        super().__exit__(*error)


@tap.test("page by page through a renewal, the help centre, the components and the invoices")
def _():
    with Person() as person:
        person.home()
        person.screen.wait("PWNED", rows=(0, 1)) # the project's name
        person.check_environment()
        person.choose(DUE[0])
        person.pin(hall.PIN)
        person.title("Confirm details")
        person.key("F6")
        person.screen.wait("现有效期", "PWNED")
        person.key("Enter")
        person.screen.wait_for(lambda: person.on("联系人"), "the form")
        for label, text in (("Organisation", TITLE), ("E-mail", "test@example.com")):
            person.field(label, text)
        person.tick_acknowledgement()
        person.key("F2")
        number, _ = person.payment()
        with proxy.answer(".*/payment/query", lambda h: h.problem(403, "x" + EVIL[:20], "y" + EVIL, "z" + EVIL)):
            person.key("F5")
            person.screen.wait("发生意外错误")
            person.key("Enter")
        where.certhalld("pay", number)
        person.install()
        person.screen.wait(number)
        while where.rows("SELECT state FROM invoice")[0][0] != 1: # issued by the hall's next sweep
            time.sleep(0.05)
        person.key("F7")
        person.title("Invoices found")
        person.screen.wait(TITLE)
        person.key("Enter")
        person.see("Download the invoice?")
        person.key("Enter")
        person.see("Open shows the invoice here; Save puts it into the download folder.")
        with proxy.answer("GET /v1/invoices/.*/xml", give_sheet):
            person.key("Enter")
            person.screen.wait(TITLE + "31mPWNED")
            person.screen.wait("叁佰陆拾圆整")
        person.key("Esc")
        person.title("Invoices found")
        person.key("Esc")
        person.title("Renewal complete")
        person.key("Esc")
        person.home()
        person.key("4")
        person.title("Help centre")
        with proxy.change("GET /v1/packages", spoil_packages):
            person.key("Down", "Enter")
            person.screen.wait("SimKey PKCS#11", "PWNED")
        person.key("Esc")
        person.title("Help centre")
        with proxy.answer("GET /v1/service", lambda h: h.send(200, agents())):
            person.key("Down", "Down", "Enter")
            person.screen.wait("测试客服]0;PWNED")
        for _ in range(4):
            person.key("Esc")
            person.screen.quiet(0.3) # not Alt with what comes next
        person.screen.quiet(0.1)
    text = written()
    tap.contains(text, "PWNED")


def agents():
    agent = {"id": "a1", "name": "测试客服" + EVIL, "role": "agent", "state": "online", "serving": 0, "most": 3}
    return {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "waiting": 0, "answer_seconds": 60, "agents": [agent]}


def spoil_packages(document):
    import json
    manifest = json.loads(unbase64(document["manifest"]))
    for package in manifest["packages"]:
        package["name"] += EVIL
        package["models"] = package.get("models", "") + EVIL
    text = json.dumps(manifest).encode()
    signer = os.path.join(where.dir, "hall/signer")
    document["manifest"] = rebase64(text)
    document["signature"] = rebase64(openssl("cms", "-sign", "-binary", "-md", "sha256", "-outform", "DER", "-signer", signer + ".pem", "-inkey", signer + ".key", input=text))


def line_by_line(*arguments):
    with where.certhall(*arguments, env=where.env("en", module=True), rows=60, cols=120, raw=RAW) as screen:
        screen.exit_status()
    return written(lines=True)


@tap.test("line by line")
def _():
    line_by_line("certs")
    line_by_line("certs", "--json")
    tap.contains(line_by_line("doctor"), "PWNED")
    tap.contains(line_by_line("doctor", "--json"), "PWNED")
    with proxy.answer("POST /v1/standings", lambda h: h.problem(403, "what\x1b]0;x\x07", "PWNED" + EVIL, EVIL)):
        tap.contains(line_by_line("certs"), "PWNED")
    invoices = ["invoices", "--title", TITLE, "--tax-no", DETAILS[5], "--phone", DETAILS[3]]
    with where.certhall(*invoices, env=where.env("en", module=True), rows=60, cols=140, raw=RAW) as screen:
        screen.wait("The digits in the picture:")
        screen.type(where.rows("SELECT answer FROM captcha ORDER BY rowid DESC LIMIT 1")[0][0])
        screen.key("Enter")
        screen.wait("￥360.00", "138****0000")
        screen.exit_status()
    written() # the picture has colours
    log = os.path.join(where.dir, "home/state/certhall/certhall.log")
    with open(log, "rb") as file:
        tap.check(not any(byte < 32 and byte != 10 or byte == 127 for byte in file.read()), "a control character in the log")


@tap.test("a renewal line by line, with a code to scan")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")]) as other:
        own = hostile_hall.Proxy(other, timeout=30)
        own.rules += [("POST /v1/sessions", "change", spoil_session), (".*", "change", spoilt)]
        with other.certhall("renew", "--no-wait", "--qr", *DETAILS, env=other.env("en", module=True), rows=80, cols=120, raw=RAW) as screen:
            screen.wait("PIN of the key:")
            screen.type(hall.PIN)
            screen.key("Enter")
            screen.wait("PWNED")
            for question in ("Contact [", "Phone [", "Unit name", "Taxpayer number ["):
                screen.wait(question)
                screen.key("Enter")
            screen.wait("E-mail")
            screen.type("test@example.com")
            screen.key("Enter")
            screen.wait("Have you taken care")
            screen.type("y")
            screen.key("Enter")
            screen.wait("Payment link")
            screen.wait("Run the same command again")
        written() # the code has colours
        own.close()


tap.run()
