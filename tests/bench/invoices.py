"""Invoices among a million: a page from the hall beside a plain indexed SELECT of the same file, and the first page on a terminal."""
import http.client
import json
import os
import sqlite3
import ssl
import sys
import time

import figures
import hall
import tap

sys.path.insert(0, os.path.join(tap.top_srcdir, "tests/screens"))
import stage  # noqa: E402

COUNT, OF_UNIT, ASKED = 1_000_000, 5_000, 200
UNIT = {"title": "测试大户(样票)有限公司", "tax_no": "91350100M000100Y43", "phone": "13800000000"}


def fill(path):
    """A million invoices, every two hundredth of one unit."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    with db:
        db.executemany("INSERT INTO invoice (id, number, state, due, created, amount_fen, title, title_key, tax_no, phone, contact) VALUES (?, ?, 2, 0, ?, 36000, ?, ?, ?, ?, '样')",
                       ((f"{i:032x}", f"AZT{i:010d}", 1700000000 + i, *((UNIT["title"],) * 2 + (UNIT["tax_no"], UNIT["phone"]) if i % (COUNT // OF_UNIT) == 0 else
                                                                       (f"测试 {i}", f"测试{i}", f"9135{i:014d}", "13900000000"))) for i in range(COUNT)))
    db.close()


class Asking:
    """One connection to the hall."""

    def __init__(self, place):
        self.connection = http.client.HTTPSConnection("127.0.0.1", place.port, context=ssl.create_default_context(cafile=place.ca_file))

    def post(self, path, value=None, token=None):
        head = {"Content-Type": "application/json", **({"Authorization": "Bearer " + token} if token else {})}
        self.connection.request("POST", path, json.dumps(value) if value is not None else None, head if value is not None else {})
        response = self.connection.getresponse()
        body = response.read()
        tap.check(response.status < 300, body)
        return json.loads(body)


def milliseconds(action):
    taken = []
    for _ in range(ASKED):
        began = time.monotonic()
        action()
        taken.append((time.monotonic() - began) * 1000)
    return figures.median(taken), figures.percentile(taken, 0.99)


def hall_pages():
    limits = "limits = { address_rate = 0; query_rate = 0; captcha_rate = 0; };\nlog = {"
    with hall.Hall(certs=[("测试样票有限公司", "ec:P-256", -345, 20)], settings={"log = {": limits}) as place:
        path = os.path.join(place.dir, "hall/certhall.db")
        place.service.stop()
        fill(path)
        place.service.start()
        asking, db = Asking(place), sqlite3.connect(path)

        def query():
            picture = asking.post("/v1/captchas")
            answer = db.execute("SELECT answer FROM captcha WHERE id = ?", [picture["id"]]).fetchone()[0]
            return asking.post("/v1/invoices/query", {**UNIT, "captcha": picture["id"], "answer": answer})

        page = query()
        tap.equal((page["total"], len(page["invoices"])), (OF_UNIT, 50))
        select = "SELECT * FROM invoice WHERE tax_no = ? AND title_key = ? AND phone = ? ORDER BY created DESC, id DESC LIMIT 51"
        count = "SELECT count(*) FROM invoice WHERE tax_no = ? AND title_key = ? AND phone = ?"
        unit = (UNIT["tax_no"], UNIT["title"], UNIT["phone"])
        plain, _ = milliseconds(lambda: (db.execute(count, unit).fetchone(), db.execute(select, unit).fetchall()))
        p50, p99 = milliseconds(lambda: asking.post("/v1/invoices/page", {"next": page["next"]}, page["grant"]))
        figures.show("a page of 5,000 among a million, p50", p50, "ms", plain)
        figures.show("the same, p99", p99, "ms")
        figures.show("picture and query, with its even answer time", milliseconds(query)[0], "ms")


def first_page():
    with stage.screen("many", lang="zh_CN") as terminal:
        say = stage.translator("zh_CN")
        terminal.wait(say("Renew certificate"))
        stage.press(terminal, ["3"])
        terminal.wait(say("Digits in the picture"))
        stage.press(terminal, stage.UNIT + ['"12345'])
        terminal.quiet()
        terminal.key("Enter")
        terminal.wait(say("Invoices found"), rows=(0, 1))
        terminal.quiet()
        stats = terminal.stats()
        figures.show("first page of results: bytes", stats["bytes"], "B", most=1500)
        figures.show("first page of results: key to paint", stats["last_us"] / 1000, "ms")


hall_pages()
first_page()
figures.close()
