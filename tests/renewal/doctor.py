#!/usr/bin/env python3
"""The environment check as a command: its report and its exit status."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import hall
import tap
from renewals import DUE, Renewal, cert, command, orders

ITEMS = ["terminal", "version", "network", "clock", "component", "pcsc", "key", "model", "pin", "certificates", "order", "payment", "folder"]


def doctor(place, status, env=None):
    done = command(place, "doctor", "--json", env=env)
    tap.equal(done.returncode, status, done.stdout + done.stderr)
    report = json.loads(done.stdout)
    tap.equal(report["status"], status)
    tap.equal([check["id"] for check in report["checks"]], ITEMS)
    for check in report["checks"]:
        tap.equal("cure" in check, check["state"] in ("warning", "broken"), check["id"])
        tap.check(check["seen"], check["id"])
    return {check["id"]: check for check in report["checks"]}


@tap.test("in order, and serial numbers are masked")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")]) as place:
        checks = doctor(place, 0)
        tap.equal([checks[item]["state"] for item in ITEMS], ["skipped"] + ["ok"] * 4 + ["skipped"] + ["ok"] * 7)
        serial = json.loads(command(place, "certs", "--json").stdout)["certificates"][0]["token_serial"]
        text = command(place, "doctor").stdout
        tap.check(len(serial) >= 8 and serial not in text, "the whole serial number is in the report")
        tap.contains(text, "*" * (len(serial) - 4) + serial[-4:])


@tap.test("an unfinished order is a warning that offers to go on")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")]) as place:
        tap.equal(Renewal(place, "", "--no-wait").end(), 4)
        checks = doctor(place, 1)
        tap.contains(checks["order"]["seen"], orders(place)[0]["number"])


@tap.test("without a component, and with one that is none")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")]) as place:
        checks = doctor(place, 2, env=place.env("en"))
        tap.equal(checks["component"]["state"], "broken")
        for item in ("pcsc", "key", "model", "pin", "certificates", "order"):
            tap.equal(checks[item]["state"], "skipped")
        for item in ("network", "clock", "version", "payment", "folder"):
            tap.equal(checks[item]["state"], "ok")
        config = os.path.join(place.dir, "certhall-with-module.conf")
        with open(config) as file:
            text = file.read()
        none = os.path.join(place.dir, "none.so")
        with open(none, "w") as file:
            file.write("nothing\n")
        with open(config, "w") as file:
            file.write("".join(f'\tmodule = "{none}";\n' if "module =" in line else line for line in text.splitlines(True)))
        tap.equal(doctor(place, 2)["component"]["state"], "broken")


@tap.test("the hall is away")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")], start=False) as place:
        checks = doctor(place, 2)
        tap.equal([item for item in ITEMS if checks[item]["state"] == "broken"], ["network"])
        tap.equal(checks["certificates"]["state"], "ok")
        tap.contains(checks["network"]["seen"], "The hall cannot be reached.")


@tap.test("a hall that asks for a later program")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")], settings={'minimum_version = "0.1.0"': 'minimum_version = "0.10"'}) as place:
        tap.equal(doctor(place, 2)["version"]["state"], "broken")


@tap.test("no bank")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")], start=False) as place:
        place.service.start()
        Renewal(place, "", "--no-wait").end() # the hall notices when it asks for a code
        checks = doctor(place, 1)
        tap.equal(checks["payment"]["state"], "warning")


@tap.test("a folder that cannot be written")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")]) as place:
        home = place.new_home()
        with open(os.path.join(home, "data"), "w"):
            pass
        tap.equal(doctor(place, 2, env=place.env("en", module=True, home=home))["folder"]["state"], "broken")


@tap.test("a key pulled out; and two keys")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")]) as place:
        tokens = os.path.join(place.dir, "key/tokens")
        os.rename(tokens, tokens + "-away")
        os.mkdir(tokens)
        checks = doctor(place, 2)
        tap.equal([item for item in ITEMS if checks[item]["state"] == "broken"], ["key"]) # the empty place that SoftHSM offers is no key
        os.rmdir(tokens)
        os.rename(tokens + "-away", tokens)
        place.run(["softhsm2-util", "--module", hall.MODULE, "--init-token", "--free", "--label", "second", "--so-pin", "87654321", "--pin", "12345678"])
        checks = doctor(place, 2)
        tap.contains(checks["key"]["seen"], "More than one key is inserted.")


tap.run()
