#!/usr/bin/env python3
"""A key that refuses what the hall prefers, and says so or does not: renewed with the next one."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import hall
import key as keys
import tap
from renewals import DUE, EXPIRED, Renewal, cert, only, verified

place = hall.Hall(certs=[cert(DUE, "ec:P-256"), cert(EXPIRED, "ec:P-256")], settings={'"rsa:2048,rsa:3072,ec:P-256"': '"ec:P-256,rsa:2048"'})


def renewed(holder, how):
    key = keys.Key(place)
    key.turn("no_ec", how)
    old = only(place, holder=holder)
    run = Renewal(place, old["fingerprint"], env=place.env("en", **key.env))
    run.pay()
    tap.equal(run.end(), 0, run.text)
    tap.equal(verified(place, old)["key_algorithm"], "rsa:2048")


@tap.test("curves that it does not have")
def _():
    renewed(DUE[0], "")


@tap.test("curves that it says it has")
def _():
    renewed(EXPIRED[0], "late")


tap.run()
