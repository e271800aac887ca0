"""Invoices of the hall: one for each installed order, and who may see what of them."""
import base64
import hashlib
import os
import signal
import sqlite3
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.join(os.environ.get("top_srcdir") or os.path.realpath(os.path.join(os.path.dirname(__file__), "../..")), "tests/lib"))
import tap  # noqa: E402

os.environ.setdefault("top_srcdir", tap.top_srcdir)
import hall  # noqa: E402
from api import APPLICANT, Certificate, Client, Holder, Key, check_certificate  # noqa: E402,F401

UNIT = {"title": APPLICANT["title"], "tax_no": APPLICANT["tax_no"], "phone": APPLICANT["phone"]}
RATES = "limits = { address_rate = 0; certificate_rate = 0; query_rate = 0; captcha_rate = 0; };\nsweep = { every = 1; first = 1; };\n"


def started(rates=RATES, invoices=True):
    settings = {"log = {": rates + "log = {"}
    if not invoices:
        settings["invoice = {"] = "no_invoice = {"
    return hall.Hall(certs=[("测试样票有限公司", "ec:P-256", -345, 20)], settings=settings)


where = started()
client = Client(where)


def database(place=None):
    db = sqlite3.connect(os.path.join((place or where).dir, "hall/certhall.db"), timeout=30)
    db.row_factory = sqlite3.Row
    return db


def rows(text, *values, place=None):
    db = database(place)
    try:
        return [dict(row) for row in db.execute(text, values)]
    finally:
        db.close()


def change(text, *values, place=None):
    db = database(place)
    with db:
        db.execute(text, values)
    db.close()


def edit(place, old, new):
    path = os.path.join(place.dir, "certhalld.conf")
    with open(path) as file:
        text = file.read()
    tap.contains(text, old)
    with open(path, "w") as file:
        file.write(text.replace(old, new))


def installed(asking=None, **details):
    """A person whose order is paid and installed."""
    asking = asking or client
    person = Holder(asking, Certificate(asking.hall))
    person.login()
    person.order(**details)
    person.post("/payment").is_ok()
    asking.pay(person.number)
    wait(lambda: person.get().is_ok()["state"] == "paid")
    key = Key(asking.hall, "ec:P-256")
    order = person.post("/requests", person.cert_request(key)).is_ok()
    der = base64.b64decode(order["items"][0]["certificate"])
    tap.equal(person.post("/installed", person.install_report(key, der)).is_ok()["state"], "installed")
    return person


def wait(holds, limit=60):
    end = time.monotonic() + limit
    while not holds():
        tap.check(time.monotonic() < end, "does not come about")
        time.sleep(0.02)  # between two looks at a state


def issued(number, place=None):
    wait(lambda: [row["state"] for row in rows("SELECT state FROM invoice WHERE number = ?", number, place=place)] == [1])


def captcha(asking=None):
    """A new picture and the answer that the hall keeps."""
    asking = asking or client
    picture = asking.post("/v1/captchas").is_ok(201)
    answer = rows("SELECT answer FROM captcha WHERE id = ?", picture["id"], place=asking.hall)[0]["answer"]
    return picture, {"captcha": picture["id"], "answer": answer}


def query(asking=None, solved=None, **changed):
    asking = asking or client
    return asking.post("/v1/invoices/query", {**UNIT, **(solved or captcha(asking)[1]), **changed})


person = installed()


@tap.test("an installed order has one invoice, and it is found by name, number, phone and picture")
def _():
    issued(person.number)
    page = query().is_ok()
    tap.equal((page["total"], len(page["invoices"]), page.get("next", "")), (1, 1, ""))
    invoice = page["invoices"][0]
    tap.equal((invoice["state"], invoice["order"], invoice["amount_fen"]), ("issued", person.number, 36000))
    tap.equal((invoice["contact"], invoice["phone"]), ("测**", "138****0000"), "masked without the key")
    tap.equal(sorted(file["format"] for file in invoice["files"]), ["pdf", "xml"])
    for file in invoice["files"]:
        answer = client.get(f"/v1/invoices/{invoice['id']}/{file['format']}", page["grant"])
        tap.equal(answer.status, 200)
        tap.equal((len(answer.body), hashlib.sha256(answer.body).hexdigest()), (file["size"], file["sha256"]))
        tap.check(answer.body.startswith({"pdf": b"%PDF-", "xml": b"<?xml"}[file["format"]]), "magic")


@tap.test("full-width and lower-case letters, brackets and spaces are the same")
def _():
    query(title=" 测试 样票有限公司", tax_no=" 91350211ｍ000100Ｙ43 ", phone="+86 138-0000-0000").is_ok()


@tap.test("a picture shows its digits: black on white, of few pixels, another each time")
def _():
    first, second = captcha()[0], captcha()[0]
    tap.check(first["pixels"] != second["pixels"], "the same picture twice")
    bits = base64.b64decode(first["pixels"])
    tap.equal(len(bits), first["height"] * ((first["width"] + 7) // 8))
    black = sum(bin(byte).count("1") for byte in bits)
    tap.check(100 < black < 700, f"{black} black pixels of {first['width'] * first['height']}")


def refusals():
    """Every way to be wrong: (name, what is asked)."""
    used = captcha()[1]
    query(solved=used).is_ok()
    old = captcha()[1]
    change("UPDATE captcha SET expires = 1 WHERE id = ?", old["captcha"])
    wrong = captcha()[1]
    return [("wrong digits", dict(wrong, answer="0" if wrong["answer"] != "0" else "1")), ("used picture", used), ("old picture", old),
            ("no picture", {"captcha": "", "answer": ""}), ("made-up picture", {"captcha": "0" * 32, "answer": "00000"}),
            ("unknown unit", dict(captcha()[1], title="测试没有这个单位")), ("other number", dict(captcha()[1], tax_no="91140100MA0TEUT14N")),
            ("other phone", dict(captcha()[1], phone="13900000000")), ("markup", dict(captcha()[1], title="' OR 1=1 --"))]


@tap.test("whatever is wrong, the answer is the same")
def _():
    answers = {}
    for name, asked in refusals():
        answer = client.post("/v1/invoices/query", {**UNIT, **asked}).is_problem(403, "invoice-no-match")
        answers[name] = (answer.body, sorted(header for header in answer.headers if header not in ("Date",)))
    tap.equal(len(set(map(str, answers.values()))), 1, answers)


@tap.test("a wrong answer uses the picture up")
def _():
    solved = captcha()[1]
    query(solved=dict(solved, answer="x")).is_problem(403, "invoice-no-match")
    query(solved=solved).is_problem(403, "invoice-no-match")


@tap.test("with the key no picture is needed, and nothing is masked; other certificates' invoices are not seen")
def _():
    login = Holder(client, person.certificate)
    change("UPDATE certificate SET revoked_at = NULL, replaced_by = NULL WHERE fingerprint = ?", person.certificate.fingerprint)
    login.login()
    page = client.post("/v1/invoices/query", {}, login.token).is_ok()
    tap.equal([(row["order"], row["phone"], row["contact"]) for row in page["invoices"]], [(person.number, APPLICANT["phone"], APPLICANT["contact"])])
    tap.equal(client.post("/v1/invoices/query", {"title": "别的"}, login.token).is_ok()["total"], 0)
    stranger = Holder(client, Certificate(where))
    stranger.login()
    tap.equal(client.post("/v1/invoices/query", UNIT, stranger.token).is_ok()["total"], 0)
    client.post("/v1/invoices/query", {}, "0" * 64).is_problem(401, "session-needed")


@tap.test("a document is given to its grant alone, and in part")
def _():
    page = query().is_ok()
    invoice = page["invoices"][0]
    path, size = f"/v1/invoices/{invoice['id']}/pdf", next(f["size"] for f in invoice["files"] if f["format"] == "pdf")
    whole = client.get(path, page["grant"])
    part = client.get(path, page["grant"], Range="bytes=100-199", If_Range=whole.headers["ETag"])
    tap.equal((part.status, part.body, part.headers["Content-Range"]), (206, whole.body[100:200], f"bytes 100-199/{size}"))
    client.get(path, page["grant"], Range=f"bytes={size}-").is_problem(416, "range")
    for token in (None, "0" * 48, page["grant"][:-1] + "x"):
        client.get(path, token).is_problem(404, "invoice-none")
    other = installed(title="测试乙（样票）公司", tax_no="91140100MA0TEUT14N")
    issued(other.number)
    theirs = query(title="测试乙(样票)公司", tax_no="91140100MA0TEUT14N").is_ok()
    client.get(path, theirs["grant"]).is_problem(404, "invoice-none")
    client.get(path.replace("pdf", "xml"), theirs["grant"]).is_problem(404, "invoice-none")
    change("UPDATE invoice_grant SET expires = 1 WHERE expires = (SELECT max(expires) FROM invoice_grant)")
    client.post("/v1/invoices/page", {"next": ""}, theirs["grant"]).is_problem(404, "invoice-none")


@tap.test("many invoices come by pages, each once, newest first")
def _():
    count, title = 230, "测试多票（样票）有限公司"
    db = database()
    with db:
        order = dict(db.execute("SELECT * FROM orders WHERE number = ?", [person.number]).fetchone())
        for i in range(count):
            number = f"AZT9{i:010d}"
            values = dict(order, number=number)
            db.execute(f"INSERT INTO orders ({','.join(values)}) VALUES ({','.join('?' * len(values))})", list(values.values()))
            db.execute("INSERT INTO invoice (id, number, state, due, created, amount_fen, title, title_key, tax_no, phone, contact) VALUES (?, ?, 2, 0, ?, 100, ?, ?, ?, ?, '样')",
                       [uuid.uuid4().hex, number, 1700000000 + i // 7, title, title.replace("（", "(").replace("）", ")"), UNIT["tax_no"], UNIT["phone"]])
    db.close()
    page = query(title=title).is_ok()
    seen = page["invoices"]
    while page.get("next"):
        tap.equal(page["total"], count)
        page = client.post("/v1/invoices/page", {"next": page["next"]}, page["grant"]).is_ok()
        seen += page["invoices"]
    tap.equal(len({row["id"] for row in seen}), count)
    tap.equal([row["ordered"] for row in seen], sorted((row["ordered"] for row in seen), reverse=True))
    for wrong in ("x", "1.Z", "99999999999999999999.0", "1.0 OR 1"):
        client.post("/v1/invoices/page", {"next": wrong}, page["grant"]).is_problem(422, "invalid-field", "next")


@tap.test("killed in the middle and started again, each order still has one invoice with one number")
def _():
    people = [installed() for _ in range(4)]
    for _ in range(3):
        where.service.stop(signal.SIGKILL)
        where.service.start()
    for one in people:
        issued(one.number)
    tap.equal(rows("SELECT number FROM invoice GROUP BY number HAVING count(*) > 1"), [])
    numbers = [row["invoice_no"] for row in rows("SELECT invoice_no FROM invoice WHERE state = 1")]
    tap.equal(len(set(numbers)), len(numbers))
    tap.equal(rows("SELECT f.id FROM invoice_file f JOIN invoice v ON v.id = f.id WHERE v.state <> 1"), [])
    tap.equal(rows("SELECT v.id FROM invoice v WHERE v.state = 1 AND (SELECT count(*) FROM invoice_file f WHERE f.id = v.id) <> 2"), [])


@tap.test("what cannot be issued says why, waits for staff, and is issued when they ask again")
def _():
    late = installed()
    issued(late.number)
    change("DELETE FROM invoice_file WHERE id = (SELECT id FROM invoice WHERE number = ?)", late.number)
    change("UPDATE orders SET applicant = replace(applicant, ?, '') WHERE number = ?", APPLICANT["tax_no"], late.number)
    change("UPDATE invoice SET state = 0, due = 0 WHERE number = ?", late.number)
    wait(lambda: rows("SELECT state FROM invoice WHERE number = ?", late.number)[0]["state"] == 2)
    mine = [row for row in query().is_ok()["invoices"] if row["order"] == late.number][0]
    tap.equal((mine["state"], mine["reason"], mine["files"]), ("failed", "buyer", []))
    page = query().is_ok()
    client.get(f"/v1/invoices/{mine['id']}/pdf", page["grant"]).is_problem(409, "invoice-waiting")
    tap.contains(where.certhalld("invoices").stdout, "failed")
    change("UPDATE orders SET applicant = replace(applicant, '\"tax_no\":\"\"', ?) WHERE number = ?", f'"tax_no":"{APPLICANT["tax_no"]}"', late.number)
    where.certhalld("invoices", "--retry", late.number)
    issued(late.number)
    tap.equal(where.certhalld("invoices", "--retry", late.number, check=False).returncode, 1, "it has not failed")


@tap.test("an order from before there were invoices gets its own when they begin")
def _():
    with started(invoices=False) as place:
        asking = Client(place)
        old = installed(asking)
        change("DELETE FROM invoice", place=place)
        place.service.stop()
        edit(place, "no_invoice = {", "invoice = {")
        place.service.start()
        issued(old.number, place=place)


@tap.test("thousands of orders without an invoice get theirs soon after the hall starts, due as configured after the installation")
def _():
    with started("sweep = { every = 3600; first = 1; };\n") as place:
        asking = Client(place)
        order = rows("SELECT * FROM orders WHERE number = ?", installed(asking).number, place=place)[0]
        place.service.stop()
        edit(place, "invoice = {", "invoice = { delay_minutes = 90;")
        change("DELETE FROM invoice", place=place)
        db = database(place)
        with db:
            copies = [dict(order, number=f"AZT9{i:010d}", state=7 if i % 5 == 0 else order["state"], changed=order["changed"] - i % 5000) for i in range(20000)]
            db.executemany(f"INSERT INTO orders ({','.join(order)}) VALUES ({','.join(':' + name for name in order)})", copies)
        db.close()
        began = time.monotonic()
        place.service.start()
        wait(lambda: rows("SELECT count(*) n FROM invoice", place=place)[0]["n"] >= 16001)
        tap.check(time.monotonic() - began < 20, f"all there after {time.monotonic() - began:.1f} s")
        found = {row["number"]: row for row in rows("SELECT o.number, o.state, o.changed, v.state invoice, v.due FROM orders o LEFT JOIN invoice v ON v.number = o.number", place=place)}
        tap.equal([row for row in found.values() if (row["invoice"] is not None) != (row["state"] == order["state"])], [], "one each, and none for what is not installed")
        tap.equal({row["due"] - row["changed"] for row in found.values() if row["invoice"] is not None}, {90 * 60})
        tap.equal(sum(row["invoice"] == 0 for row in found.values()), 16001)


@tap.test("trying names is counted and stopped, by address and by taxpayer number")
def _():
    with started("limits = { address_rate = 0; certificate_rate = 0; query_rate = 1; query_burst = 4; };\n") as place:
        asking = Client(place)
        for i in range(4):
            query(asking, title=f"测试 {i}").is_problem(403, "invoice-no-match")
        answer = query(asking).is_problem(429, "rate-limited")
        tap.check(1 <= int(answer.headers["Retry-After"]) <= 60, answer.headers["Retry-After"])
        tap.contains(place.service.tail(), "query refused by rate (1 so far)")
        tap.check(UNIT["tax_no"] not in place.service.tail(200), "a taxpayer number in the log")


@tap.test("that every query takes the same time keeps nobody else waiting")
def _():
    with started("limits = { address_rate = 0; query_rate = 0; workers = 1; };\n") as place:
        askings = [Client(place) for _ in range(40)]
        for asking in askings:
            asking.get("/v1/hall").is_ok()  # connected
        taken = []

        def ask(asking):
            began = time.monotonic()
            asking.post("/v1/invoices/query", dict(UNIT, captcha="0" * 32, answer="0")).is_problem(403, "invoice-no-match")
            taken.append(time.monotonic() - began)
        threads = [threading.Thread(target=ask, args=[asking]) for asking in askings]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tap.equal(len(taken), 40)
        tap.check(min(taken) >= 0.039, f"an answer after {min(taken) * 1000:.0f} ms")
        tap.check(time.monotonic() - began < 1.2, f"all of them took {time.monotonic() - began:.1f} s; one after the other they take 1.6")


@tap.test("pictures are given to an address only so many at a time")
def _():
    with started("limits = { address_rate = 0; captcha_rate = 1; captcha_burst = 3; };\n") as place:
        asking = Client(place)
        for _ in range(3):
            captcha(asking)
        answer = asking.post("/v1/captchas").is_problem(429, "rate-limited")
        tap.check(1 <= int(answer.headers["Retry-After"]) <= 60, answer.headers["Retry-After"])
        tap.equal(len(rows("SELECT id FROM captcha", place=place)), 3)


tap.run()
