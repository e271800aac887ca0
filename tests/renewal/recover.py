#!/usr/bin/env python3
"""Killed in the middle, at many places; gone on with from a terminal that knows nothing. One payment, one certificate, one key pair."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import hall
import tap
from renewals import DUE, Renewal, cert, only, orders, verified


def finished(place, old, number):
    """What must hold in the end however often it was interrupted."""
    tap.equal([(row["number"], row["state"]) for row in orders(place)], [(number, "installed")])
    verified(place, old)
    for kind in ("cert", "pubkey", "privkey"):
        tap.equal(len(place.key_ids(kind)), 2, kind)
    log = place.service.tail(500)
    tap.equal(log.count(f"issue: {number} signing: serial"), 1, log)
    tap.equal(log.count(f"payment: {number} paid"), 1, log)


def goes_on(place, old, number):
    """From a fresh home; exit 3 only when it was finished already."""
    run = Renewal(place, old["fingerprint"], details=[], home=place.new_home())
    status = run.end()
    done = orders(place)[0]["state"] == "installed"
    tap.check(status == 0 or (status == 3 and done), f"{status}: {run.text}")
    return run


@tap.test("left before the payment, paid meanwhile, gone on with elsewhere")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")]) as place:
        old = only(place)
        run = Renewal(place, "", "--no-wait")
        tap.equal(run.end(), 4, run.text)
        number = orders(place)[0]["number"]
        place.certhalld("pay", number)
        run = goes_on(place, old, number)
        tap.check("to pay" not in run.text, run.text)
        finished(place, old, number)


@tap.test("killed while the code is shown; the same order again")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")]) as place:
        old = only(place)
        run = Renewal(place, "")
        number = run.until(r"Order (\w+), to pay")[1]
        run.kill()
        run = Renewal(place, "", details=[], home=place.new_home())
        tap.equal(run.pay(), number)
        tap.equal(run.end(), 0, run.text)
        finished(place, old, number)


def killed_at(step, algorithm):
    settings = {'algorithms = "rsa:2048,rsa:3072,ec:P-256"': f'algorithms = "{algorithm}"'}
    with hall.Hall(certs=[cert(DUE, "ec:P-256")], settings=settings) as place:
        old = only(place)
        run = Renewal(place, "")
        number = run.pay()
        run.until(rf"\[ ?{step}/10\]")
        run.kill()
        goes_on(place, old, number)
        finished(place, old, number)


for step in range(1, 10):
    tap.test(f"killed after step {step}")(lambda step=step: killed_at(step, "rsa:2048" if step % 2 else "ec:P-256"))


@tap.test("killed again and again")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")], settings={'algorithms = "rsa:2048,rsa:3072,ec:P-256"': 'algorithms = "rsa:2048"'}) as place:
        old = only(place)
        run = Renewal(place, "")
        number = run.pay()
        for step in (1, 2, 4, 6):
            run.until(rf"\[ ?{step}/10\]")
            run.kill()
            if orders(place)[0]["state"] == "installed":
                break
            run = Renewal(place, old["fingerprint"], details=[], home=place.new_home())
        run.kill()
        goes_on(place, old, number)
        finished(place, old, number)


@tap.test("the hall goes away while installing: said, and recovered when it is back")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")], settings={'algorithms = "rsa:2048,rsa:3072,ec:P-256"': 'algorithms = "rsa:3072"'}) as place:
        old = only(place)
        run = Renewal(place, "")
        number = run.pay()
        run.until(r"\[ 1/10\]") # the key is at work now
        place.service.stop()
        tap.equal(run.end(), 1, run.text)
        tap.contains(run.text, "The hall cannot be reached.")
        tap.contains(run.text, "[ 3/10] Sign the certificate request: failed")
        tap.contains(run.text, "Your payment is kept.")
        place.port = place.service.start()
        goes_on(place, old, number)
        finished(place, old, number)


tap.run()
