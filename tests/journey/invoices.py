"""发票查询 after a renewal: found with the picture's digits, opened, saved, saved elsewhere; and what can go wrong with a file."""
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../renewal"))
import walk  # noqa: E402
from renewals import DETAILS, DUE, Renewal, cert, only  # noqa: E402
from walk import Walk, hall, tap  # noqa: E402

NO_MATCH = ("No invoice was found, or the digits are wrong. Check the organisation's fu"
            "ll name, the taxpayer number, the phone and the digits of the new picture.")
TITLE, TAX_NO, PHONE = DUE[0], "91350100M000100Y43", "13800000000"
where = hall.Hall(certs=[cert(DUE, "ec:P-256")], settings={"log = {": "sweep = { every = 1; first = 1; };\nlimits = { query_rate = 0; };\nlog = {"})


run = Renewal(where, only(where)["fingerprint"])
number = run.pay()
tap.equal(run.end(), 0, run.text)
while where.rows("SELECT state FROM invoice WHERE number = ?", number) != [(1,)]:  # issued by the hall's next sweep
    time.sleep(0.05)


class Query(Walk):
    """A person at the invoices."""

    def __init__(self, lang="zh_CN", home=None, **size):
        super().__init__(where, lang, module=True, home=home, **size)

    def digits(self):
        """Of the newest picture, as the hall keeps them."""
        self.see("Type the digits of this picture; F6 shows another one.")
        return where.rows("SELECT answer FROM captcha ORDER BY rowid DESC LIMIT 1")[0][0]

    def ask(self, title=TITLE, digits=None):
        self.home()
        self.key("3")
        self.title("Invoices")
        self.field("Organisation", title)
        self.field("Taxpayer number", TAX_NO)
        self.field("Contact's phone", PHONE)
        self.answer(digits)

    def back_to(self, label):
        self.screen.look()
        while not self.on(self.say(label)):
            before = self.screen.state["cursor"]
            self.key("S-Tab")
            self.screen.wait_for(lambda: self.screen.state["cursor"] != before, "the focus to move")

    def answer(self, digits=None):
        right = self.digits()
        self.field("Digits in the picture", digits or right)
        self.key("Enter")

    def found(self):
        self.title("Invoices found")
        self.screen.wait(self.invoice)

    @property
    def invoice(self):
        return where.rows("SELECT invoice_no FROM invoice WHERE number = ?", number)[0][0]

    def download(self, how, form=None):
        """下载, and one of 1 打开, 2 保存, 3 另存为; form: 1 PDF, 2 XML, 3 both."""
        self.key("F2")
        self.see("Download the invoice?")
        self.key("Enter")
        self.see("Open shows the invoice here; Save puts it into the download folder.")
        self.key(str(how), "Enter")
        if form:
            self.see("In which form?")
            self.key(str(form), "Enter")


def saved(path, kind):
    """The file's bytes, when they are what the hall lists."""
    with open(path, "rb") as file:
        data = file.read()
    wanted = where.rows("SELECT f.sha256 FROM invoice_file f JOIN invoice v ON v.id = f.id WHERE v.number = ? AND f.format = ?", number, kind)[0][0]
    tap.equal(hashlib.sha256(data).hexdigest(), wanted)
    tap.equal(os.stat(path).st_mode & 0o777, 0o600)
    return data


@tap.test("wrong digits, an unknown unit, then the invoice: opened, saved, and saved elsewhere")
def _():
    with Query() as person:
        person.ask(digits="x")
        person.see(NO_MATCH)
        person.key("Enter")
        person.back_to("Organisation")
        person.field("Organisation", "测试没有这个单位")
        person.answer()
        person.see(NO_MATCH)
        person.key("Enter")
        person.back_to("Organisation")
        person.field("Organisation", TITLE.replace("（", "(").replace("）", ")"))
        person.answer()
        person.found()
        person.screen.wait("￥360.00", TAX_NO, "138****0000", person.invoice)
        person.download(1)
        person.title("Invoice")
        person.screen.wait("339.62", "叁佰陆拾圆整", TITLE, person.invoice)
        person.key("Esc")
        person.found()
        person.download(2, 3)
        person.title("Save invoices")
        folder = os.path.join(where.dir, "home/certhall-invoices")
        person.screen.wait("fapiao_" + person.invoice + ".pdf", re.compile(person.say("saved")), "2 ")
        person.key("Enter")
        person.found()
        base = os.path.join(folder, "fapiao_" + person.invoice)
        saved(base + ".pdf", "pdf")
        text = subprocess.run(["pdftotext", "-layout", base + ".pdf", "-"], check=True, capture_output=True, text=True).stdout
        for part in (person.invoice, TITLE, TAX_NO, "339.62", "20.38", "叁佰陆拾圆整", number, "样票"):
            tap.contains(text, part)
        saved(base + ".xml", "xml")
        found = subprocess.run(["xmllint", "--nonet", "--xpath", "string(/EInvoice/EInvoiceData/BuyerInformation/BuyerName)", base + ".xml"],
                               check=True, capture_output=True, text=True).stdout.strip()
        tap.equal(found, TITLE)
        tap.equal(sorted(os.listdir(folder)), [f"fapiao_{person.invoice}.pdf", f"fapiao_{person.invoice}.xml"])
        elsewhere = os.path.join(where.dir, "home/elsewhere")
        os.mkdir(elsewhere)
        person.download(3, 1)
        person.see("The file to save the invoice as; Tab completes:")
        person.key("C-u")
        person.screen.type(elsewhere[:-4])
        person.key("Tab")
        person.screen.wait("elsewhere/")
        person.screen.type("样票 1.pdf")
        person.key("Enter")
        person.title("Save invoices")
        person.screen.wait("样票 1.pdf", re.compile(person.say("saved")))
        saved(os.path.join(elsewhere, "样票 1.pdf"), "pdf")


@tap.test("a file that is there is not written over unless the person says so")
def _():
    with Query("en") as person:
        person.ask()
        person.found()
        path = os.path.join(where.dir, f"home/certhall-invoices/fapiao_{person.invoice}.pdf")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write("mine")
        person.download(2, 1)
        person.see("There is a file %s already. Overwrite it?")
        person.key("Enter")
        person.see("kept the old one")
        with open(path) as file:
            tap.equal(file.read(), "mine")
        person.key("Enter")
        person.found()
        person.download(2, 1)
        person.see("There is a file %s already. Overwrite it?")
        person.key("2", "Enter")
        person.screen.wait(re.compile(r"saved to "))
        saved(path, "pdf")


@tap.test("remembered on this computer when the person says so, and forgotten again")
def _():
    home = where.new_home()
    kept = os.path.join(home, "state/certhall/invoice-query.json")
    with Query(home=home) as person:
        person.ask()
        person.found()
        tap.check(not os.path.exists(kept), "kept without being asked")
        person.key("Esc")
        person.title("Invoices")
        person.back_to("Remember this query on this computer")
        person.key(" ")
        person.answer()
        person.found()
    tap.equal(os.stat(kept).st_mode & 0o777, 0o600)
    with open(kept, encoding="utf-8") as file:
        text = file.read()
    tap.contains(text, TITLE)
    tap.check("captcha\":\"\"" in text or "captcha" not in text, "the picture is kept")
    with Query(home=home) as person:
        person.home()
        person.key("3")
        person.screen.wait(TITLE, TAX_NO, PHONE)
        person.go_to("Remember this query on this computer")
        person.key(" ")
        person.answer()
        person.found()
    tap.check(not os.path.exists(kept), "not forgotten")


@tap.test("at a kiosk nothing is remembered")
def _():
    config = os.path.join(where.dir, "certhall-with-module.conf")
    with open(config) as file:
        text = file.read()
    with open(config, "w") as file:
        file.write(text + "ui = { kiosk = 1; };\n")
    try:
        with Query(home=where.new_home()) as person:
            person.home()
            person.key("3")
            person.digits()
            tap.equal(person.screen.find(person.say("Remember this query on this computer")), None)
    finally:
        with open(config, "w") as file:
            file.write(text)


@tap.test("a folder that may not be written to, and a full disk, are said so; nothing is left half")
def _():
    if os.geteuid() != 0:
        raise tap.Skip("only root can mount a small disk")
    full, closed = os.path.join(where.dir, "home/full"), os.path.join(where.dir, "home/closed")
    for folder, options in ((full, "size=32k"), (closed, "size=32k,ro")):
        os.makedirs(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=True)
    try:
        with Query() as person:
            person.ask()
            person.found()
            for folder, said in ((full, "The disk is full: %s. Make room or choose another folder, then try again."), (closed, "Nothing may be written to %s. Choose another folder.")):
                person.download(3, 1)
                person.see("The file to save the invoice as; Tab completes:")
                person.key("C-u")
                person.screen.type(folder + "/f.pdf")
                person.key("Enter")
                person.see(said)
                person.key("Esc")
                person.found()
        tap.equal(os.listdir(full), [])
    finally:
        subprocess.run(["umount", full, closed], check=True)


@tap.test("a part from an earlier try is gone on with; a file that is not the hall's is not kept")
def _():
    with Query() as person:
        person.ask()
        person.found()
        folder = os.path.join(where.dir, "home/parts")
        os.mkdir(folder, 0o700)
        whole = where.rows("SELECT content FROM invoice_file f JOIN invoice v ON v.id = f.id WHERE v.number = ? AND format = 'pdf'", number)[0][0]
        with open(os.path.join(folder, "f.pdf.part"), "wb") as file:
            file.write(whole[:5000])

        def save_as(name):
            person.download(3, 1)
            person.see("The file to save the invoice as; Tab completes:")
            person.key("C-u")
            person.screen.type(os.path.join(folder, name))
            person.key("Enter")
            person.title("Save invoices")

        save_as("f.pdf")
        person.screen.wait(re.compile(person.say("saved")))
        saved(os.path.join(folder, "f.pdf"), "pdf")
        person.key("Enter")
        person.found()
        with sqlite3.connect(os.path.join(where.dir, "hall/certhall.db"), timeout=30) as db:  # another file than the one listed
            db.execute("UPDATE invoice_file SET content = replace(hex(content), 'A', 'B') WHERE format = 'pdf'")
            db.execute("UPDATE invoice_file SET content = CAST(substr(content, 1, size) AS BLOB) WHERE format = 'pdf'")
        try:
            save_as("other.pdf")
            person.see("The downloaded file is not the one the hall lists. It was deleted; download it again.")
        finally:
            with sqlite3.connect(os.path.join(where.dir, "hall/certhall.db"), timeout=30) as db:
                db.execute("UPDATE invoice_file SET content = ? WHERE format = 'pdf'", [whole])
        tap.equal(sorted(os.listdir(folder)), ["f.pdf"])


@tap.test("opened by the viewer that is configured")
def _():
    config, shown, viewer = (os.path.join(where.dir, name) for name in ("certhall-with-module.conf", "run/shown", "run/viewer"))
    with open(viewer, "w") as file:
        file.write(f"#!/bin/sh\necho \"$1\" >{shown}.new && mv {shown}.new {shown}\n")
    os.chmod(viewer, 0o755)
    with open(config) as file:
        text = file.read()
    with open(config, "w") as file:
        file.write(text + f'download = {{ viewer = "{viewer}"; folder = "{where.dir}/home/viewed"; }};\n')
    try:
        with Query() as person:
            person.ask()
            person.found()
            person.download(1)
            person.title("Save invoices")
            person.screen.wait_for(lambda: os.path.exists(shown) or None, "the viewer to be started")
            with open(shown) as file:
                saved(file.read().strip(), "pdf")
    finally:
        with open(config, "w") as file:
            file.write(text)


def command(*arguments, digits=None):
    """certhall invoices, its picture answered; (status, standard output, standard error)."""
    process = subprocess.Popen([tap.built("certhall"), "invoices", "--title", TITLE, "--tax-no", TAX_NO, "--phone", PHONE, *arguments], env=where.env("en", module=True),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    shown = b""
    while shown.count(b"\n") < 11:  # the picture
        line = process.stderr.readline()
        tap.check(line, shown.decode(errors="replace"))
        shown += line
    out, errors = process.communicate((digits or where.rows("SELECT answer FROM captcha ORDER BY rowid DESC LIMIT 1")[0][0]).encode() + b"\n")
    return process.returncode, out.decode(), errors.decode()


@tap.test("from the command line: listed, as JSON, saved, and not saved over")
def _():
    folder = os.path.join(where.dir, "home/batch")
    status, out, errors = command("--json")
    tap.equal(status, 0, errors)
    found = json.loads(out[out.index("{"):])["invoices"]
    tap.equal([(one["order"], one["state"], one["amount_fen"]) for one in found], [(number, "issued", 36000)])
    status, out, errors = command("--save", folder, "--format", "both")
    tap.equal(status, 0, errors)
    base = os.path.join(folder, "fapiao_" + found[0]["number"])
    tap.contains(out, TITLE)
    saved(base + ".pdf", "pdf")
    saved(base + ".xml", "xml")
    status, out, errors = command("--save", folder)
    tap.equal(status, 0, errors)
    tap.contains(errors, "There is a file")
    status, out, errors = command(digits="x")
    tap.equal(status, 3)
    tap.contains(errors, "No invoice was found")


tap.run()
