#!/usr/bin/env python3
"""certhall renew with a person at the terminal: what it asks, and what it does with the answers."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import hall
import tap
import vt
from renewals import DUE, EXPIRED, cert, only, orders, verified


def answer(screen, question, text):
    screen.wait(question)
    screen.type(text)
    screen.key("Enter")


def pin(screen, text, time):
    """The PIN, when it is asked for that time."""
    screen.wait_for(lambda: sum("PIN of the key:" in row for row in screen.state["rows"]) == time, f"PIN asked for {time} times")
    screen.type(text)
    screen.key("Enter")


@tap.test("asked for everything: a wrong PIN and a wrong number are asked again; the code can be scanned")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256"), cert(EXPIRED, "ec:P-256")]) as place:
        due = only(place, standing="renewable")
        with place.certhall("renew", env=place.env("en", module=True), cols=100, rows=60) as screen:
            screen.wait("Which certificate?", "Expired, still renewable")
            number = screen.match(r"^(\d)  " + DUE[0])[1]
            answer(screen, "Which certificate?", number)
            pin(screen, "00000000", 1)
            pin(screen, "12345678", 2)
            screen.wait("certhall: The PIN is wrong")
            answer(screen, "Contact", "样票")
            answer(screen, "Phone", "123")
            screen.type("１３８００００００００")
            screen.key("Enter")
            answer(screen, "Unit name", "")
            answer(screen, "Taxpayer number", "91350100M000100Y43")
            answer(screen, "E-mail", "")
            answer(screen, "Have you taken care", "y")
            link = screen.wait_qr()
            screen.wait(link)
            tap.check("12345678" not in screen.text() and "00000000" not in screen.text(), "the PIN was shown")
            order = orders(place)[0]["number"]
            place.certhalld("pay", order)
            pin(screen, "12345678", 3)
            screen.wait("is finished")
            tap.equal(screen.exit_status(), 0)
        verified(place, due)


@tap.test("nobody answers: nothing is ordered")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")]) as place:
        with place.certhall("renew", env=place.env("en", module=True), rows=50) as screen:
            answer(screen, "PIN of the key:", "12345678")
            screen.wait("Contact:")
            screen.key("C-d")
            tap.equal(screen.exit_status(), 1)
        with place.certhall("renew", env=place.env("en", module=True), rows=50) as screen:
            screen.wait("PIN of the key:")
            screen.key("C-c")
            screen.exit_status()
        tap.equal(orders(place), [])


@tap.test("on a GB18030 terminal")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")]) as place:
        with place.certhall("certs", env=place.env("en", module=True, **vt.gb18030()), encoding="GB18030") as screen:
            screen.wait(DUE[0], "Renewable now")
            tap.equal(screen.exit_status(), 0)


tap.run()
