"""A person's way through certhall, page by page, by typed keys alone, in either language.

Texts are named by their message in the source and looked up in the catalogue, so one walk serves both languages.
"""
import gettext
import hashlib
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests", "lib"))
import hall  # noqa: E402
import tap  # noqa: E402
import webdriver  # noqa: E402

GOOD_TAX_NO = "91140100MA0TEUT14N"
BAD_TAX_NO = "91140100MA0TEUTI4N"  # a letter that credit codes do not have
DAY = 86400


class Walk:
    """certhall on a terminal of 80x24, for one person with one language."""

    def __init__(self, where, lang, module=False, home=None, rows=24, cols=80, cwd=None, **env):
        self.hall, self.lang = where, lang
        with open(os.path.join(tap.top_builddir, "locale/zh_CN/LC_MESSAGES/certhall.mo"), "rb") as file:
            catalogue = gettext.GNUTranslations(file)
        self.say = catalogue.gettext if lang == "zh_CN" else str
        self.screen = where.certhall(env=where.env(lang, module=module, home=home, **env), cols=cols, rows=rows, cwd=cwd)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return self.screen.__exit__(*error)

    def see(self, *texts, timeout=60):
        """Waits for the messages; of one with a %s only what stands before it counts. Wrapped text is looked for by its beginning."""
        for text in texts:
            part = re.split(r"%[a-z]", self.say(text))[0].strip()
            self.screen.wait(part[:24], timeout=timeout)

    def key(self, *names):
        self.screen.key(*names)

    def title(self, text):
        """Waits until the page of that title is there."""
        self.screen.wait(self.say(text), rows=(0, 1), timeout=60)

    # ---- page by page ----

    def home(self):
        self.see("Online service hall", "Renew certificate", "View certificates", "Invoices", "Help centre")

    def check_environment(self, component=False):
        """证书更新, 环境检测; with component also 控件安装, as a newcomer finds it."""
        self.key("1")
        self.title("Environment check")
        if component:
            self.screen.wait(re.compile(r"(7|Enter) " + re.escape(self.say("Install component"))), timeout=60)
            self.key("7")
            self.title("Install component")
            self.screen.wait("SimKey PKCS#11", timeout=60)
            self.key("Enter")
            self.see("The component was downloaded, verified against the hall's signature, and installed. "
                     "Finish goes back to the environment check, which is done again.")
            self.key("Enter")
            self.title("Environment check")
        self.see("The environment is in order. Enter goes on.")
        self.key("Enter")
        self.title("Choose certificate")

    def choose(self, holder):
        """Moves to the certificate and asks to renew it."""
        self.screen.wait(holder, timeout=60)
        for _ in range(12):
            if self._selected() == holder:
                break
            row = self.screen.rows()
            self.key("Down")
            self.screen.wait_for(lambda: self.screen.rows() != row or None, "the selection to move")
        tap.equal(self._selected(), holder)
        self.key("Enter")

    def _selected(self):
        for row in self.screen.rows():
            match = re.match(r" *> *(测试\S+)", row)
            if match:
                return match.group(1)
        return None

    def pin(self, pin):
        self.see("Enter the key's PIN")
        self.screen.type(pin)
        self.key("Enter")

    def on(self, label):
        """Whether the cursor stands on the row with that label."""
        return label in self.screen.state["rows"][self.screen.state["cursor"][0]]

    def go_to(self, label):
        """Goes to the field by Tab, one press after the other has shown."""
        label = self.say(label)[:12]
        self.screen.quiet()  # what is painted half has its cursor anywhere
        for _ in range(20):
            if self.on(label):
                return
            before = self.screen.state["cursor"]
            self.key("Tab")
            self.screen.wait_for(lambda: self.screen.state["cursor"] != before, "the focus to move")
        raise AssertionError("no field " + label)

    def field(self, label, text):
        """Types the text over what is in the field."""
        self.go_to(label)
        self.key("C-u")
        self.screen.type(text)
        self.screen.wait_for(lambda: self.on(text[-8:]), f"{text} in {label}")

    def details(self, tax_no=GOOD_TAX_NO, bad=None):
        """确认信息; bad: a taxpayer number tried first, which must be refused at its field."""
        self.title("Confirm details")
        self.field("Contact", "张样票")
        self.field("Phone", "１３８００００００００")
        if bad:
            self.field("Taxpayer number", bad)
            self.key("Tab")
            self.see("A credit code has no letter %c (digit %zu). Is it %c?")
            self.key("S-Tab")
            self.screen.wait_for(lambda: self.on(self.say("Taxpayer number")), "the focus to go back")
        self.field("Taxpayer number", tax_no)
        self.field("E-mail", "test@example.com")
        self.tick_acknowledgement()
        self.key("F2")

    def tick_acknowledgement(self):
        self.go_to("I have read the note on encrypted files")
        self.key(" ")
        self.screen.wait(re.compile(r"\[x\]"))

    def payment(self):
        """费用支付: the order's number and the link read off the drawn code."""
        self.title("Payment")
        number = self.screen.wait_for(lambda: self.screen.match(r"AZT[0-9A-Z]{11}"), "the order's number").group()
        return number, self.screen.wait_qr(60)

    def install(self, pin=hall.PIN):
        self.title("Install certificate")
        self.key("Enter")
        self.pin(pin)
        self.title("Renewal complete")
        self.see("The certificate has been renewed.")

    def leave(self):
        """Back to the home page and out; the program's exit status."""
        for _ in range(8):
            self.key("Esc")
            which = self.screen.wait_any(self.say("Quit"), self.say("Renew certificate"), timeout=10)
            if which == 0 and self.screen.find(self.say("Renew certificate")) is None:
                break
        self.key("C-c")
        return self.screen.exit_status()


def pay_in_browser(link):
    """Follows exactly the decoded link in a phone-sized browser and presses the button."""
    with webdriver.Browser() as browser:
        browser.open(link)
        tap.contains(browser.text(), "模拟")
        browser.click("#pay")
        browser.wait_text("支付成功")


def openssl(*arguments, input=None):
    done = subprocess.run(["openssl", *arguments], input=input, capture_output=True)
    if done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(arguments)}: {done.stderr.decode()}")
    return done.stdout


def order_key_id(number):
    """CKA_ID of an order's key: SHA-256("certhall:" number ":signing")[:20]."""
    return hashlib.sha256(f"certhall:{number}:signing".encode()).hexdigest()[:40]


def check_on_key(where, number, algorithm, holder, not_after):
    """What others' tools find on the key: the certificate of the order, verified by OpenSSL, and a signature by its key."""
    key_id = order_key_id(number)
    tap.equal(where.key_ids("cert").count(key_id), 1, "certificates of the order")
    tap.equal(where.key_ids("privkey").count(key_id), 1, "private keys of the order")
    der = where.read_cert(key_id)
    pem, ca = os.path.join(where.dir, "run/new.pem"), os.path.join(where.dir, "hall/ca.pem")
    with open(pem, "wb") as file:
        file.write(openssl("x509", "-inform", "DER", input=der))
    tap.contains(openssl("verify", "-CAfile", ca, pem).decode(), "OK")
    text = openssl("x509", "-in", pem, "-noout", "-text", "-nameopt", "utf8,sep_comma_plus").decode()
    tap.contains(text, holder)
    tap.contains(text, {"rsa:2048": "Public-Key: (2048 bit)", "rsa:3072": "Public-Key: (3072 bit)", "ec:P-256": "prime256v1"}[algorithm])
    end = openssl("x509", "-in", pem, "-noout", "-enddate", "-dateopt", "iso_8601").decode().strip().split("=")[1]
    tap.equal(end[:10], not_after, "the last day")
    data, signature = os.path.join(where.dir, "run/data"), os.path.join(where.dir, "run/signature")
    with open(data, "wb") as file:
        file.write(b"signed by the new key, test\n" * 3)
    digest = os.path.join(where.dir, "run/digest")
    with open(data, "rb") as file, open(digest, "wb") as out:
        out.write(hashlib.sha256(file.read()).digest())
    if algorithm.startswith("ec"):  # SoftHSM signs a digest only
        mechanism, signed = ["--mechanism", "ECDSA", "--signature-format", "openssl"], digest
    else:
        mechanism, signed = ["--mechanism", "SHA256-RSA-PKCS"], data
    where.pkcs11("--sign", "--id", key_id, *mechanism, "--input-file", signed, "--output-file", signature, pin=hall.PIN)
    public = os.path.join(where.dir, "run/public.pem")
    with open(public, "wb") as file:
        file.write(openssl("x509", "-in", pem, "-noout", "-pubkey"))
    tap.contains(openssl("dgst", "-sha256", "-verify", public, "-signature", signature, data).decode(), "OK")
