#!/usr/bin/env python3
"""Whole renewals, line by line: what succeeds, and what is refused and how."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import hall
import tap
from renewals import DETAILS, DUE, EXPIRED, Renewal, cert, certs, command, only, orders, verified


def renews(kind, algorithm, policy):
    with hall.Hall(certs=[cert(kind, algorithm)], settings={'algorithms = "rsa:2048,rsa:3072,ec:P-256"': f'algorithms = "{policy}"'}) as place:
        old = only(place)
        run = Renewal(place, old["fingerprint"][:12])
        run.pay()
        tap.equal(run.end(), 0, run.text)
        new = verified(place, old)
        tap.equal(new["key_algorithm"], policy)
        tap.equal(only(place, fingerprint=old["fingerprint"])["standing"], "superseded")
        tap.contains(run.text, f"serial number {new['serial']}")
        tap.contains(run.text, "[10/10] Remove the old certificate: not needed")
        tap.equal([row["state"] for row in orders(place)], ["installed"])
        again = Renewal(place, old["fingerprint"])
        tap.equal(again.end(), 3, again.text)
        tap.contains(again.text, "Replaced by a newer certificate")


@tap.test("a due certificate: RSA to RSA")
def _():
    renews(DUE, "rsa:2048", "rsa:2048")


@tap.test("a due certificate: RSA to EC")
def _():
    renews(DUE, "rsa:2048", "ec:P-256")


@tap.test("an expired certificate: EC to EC")
def _():
    renews(EXPIRED, "ec:P-256", "ec:P-256")


@tap.test("an expired certificate: EC to RSA 3072, by the first algorithm that the key makes")
def _():
    with hall.Hall(certs=[cert(EXPIRED, "ec:P-256")], settings={'algorithms = "rsa:2048,rsa:3072,ec:P-256"': 'algorithms = "rsa:3072,ec:P-256"'}) as place:
        old = only(place)
        run = Renewal(place, old["fingerprint"])
        run.pay()
        tap.equal(run.end(), 0, run.text)
        tap.equal(verified(place, old)["key_algorithm"], "rsa:3072")


@tap.test("the old certificate and key go when the hall wants it so")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")], settings={"remove_old = false": "remove_old = true"}) as place:
        old = only(place)
        run = Renewal(place, old["fingerprint"])
        run.pay()
        tap.equal(run.end(), 0, run.text)
        tap.contains(run.text, "[10/10] Remove the old certificate: done")
        verified(place, old)
        for kind in ("cert", "pubkey", "privkey"):
            tap.equal(len(place.key_ids(kind)), 1, kind)


@tap.test("too early and too late: refused before the PIN, each with its own sentence")
def _():
    with hall.Hall() as place:
        before = place.key_ids("cert")
        for standing, text in (("too-early", "Not yet renewable; from"), ("too-late", "The time for renewing ended on")):
            run = Renewal(place, only(place, standing=standing)["fingerprint"])
            tap.equal(run.end(), 3, run.text)
            tap.contains(run.text, text)
        tap.equal(orders(place), [])
        tap.equal(place.key_ids("cert"), before)
        tap.equal(sorted(one["standing"] for one in certs(place)), ["expired-renewable", "renewable", "too-early", "too-late"])


@tap.test("a wrong PIN from a descriptor is tried once")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")]) as place:
        run = Renewal(place, "", pin="00000000")
        tap.equal(run.end(), 1, run.text)
        tap.contains(run.text, "certhall: The PIN is wrong")
        tap.equal(run.text.count("PIN"), 1, run.text)
        run = Renewal(place, "", pin="")
        tap.equal(run.end(), 1, run.text)
        tap.contains(run.text, "The PIN is too short or too long")
        tap.equal(orders(place), [])


@tap.test("details: what is missing or wrong is named, and the last order's are offered")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256"), cert(EXPIRED, "ec:P-256")]) as place:
        due = only(place, standing="renewable")["fingerprint"]
        for details, field in ((DETAILS[2:], "contact"), (DETAILS[:3] + ["123"], "phone"), (DETAILS[:5] + ["9135"], "tax_no")):
            run = Renewal(place, due, details=details + (DETAILS[4:] if field == "phone" else []))
            tap.equal(run.end(), 1, run.text)
            tap.contains(run.text, f'The field "{field}"')
        place_file = os.path.join(place.dir, "details.json")
        with open(place_file, "w", encoding="utf-8") as file:
            file.write('{"contact":"样票","phone":"１３８ 0000 0000","title":"测试","tax_no":"91350100m000100y43","detailed":true,"bank":"测试银行","account":"6222000000"}')
        run = Renewal(place, due, "--details", place_file, "--no-wait", details=[])
        tap.equal(run.end(), 4, run.text)
        number = orders(place)[0]["number"]
        run = Renewal(place, due, details=[])
        tap.equal(run.pay(), number)
        tap.equal(run.end(), 0, run.text)


@tap.test("without the acknowledgement nothing is ordered")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")]) as place:
        read, write = os.pipe()
        os.write(write, f"{hall.PIN}\n".encode())
        os.close(write)
        done = subprocess.run([tap.built("certhall"), "renew", "--pin-fd", str(read), "--yes", *DETAILS], env=place.env("en", module=True), pass_fds=[read],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        tap.equal(done.returncode, 1, done.stdout + done.stderr)
        tap.contains(done.stderr, "Please read and confirm the note about encrypted files and bids first.")
        tap.equal(orders(place), [])


@tap.test("a fresh code by itself when one has expired")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")], settings={"pay_minutes = 30;": "pay_minutes = 30;\n\tcode_seconds = 2;"}) as place:
        run = Renewal(place, "", "--no-qr")
        first = run.until(r"Payment link: (\S+)")
        second = run.until(r"Payment link: (\S+)")
        tap.check(first and second and first[1] != second[1], run.text)
        place.certhalld("pay", orders(place)[0]["number"])
        tap.equal(run.end(), 0, run.text)


@tap.test("which certificate: by serial, by prefix, and not by a prefix that fits two")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256"), cert(EXPIRED, "ec:P-256")]) as place:
        tap.equal(Renewal(place, "").end(), 2)
        tap.equal(Renewal(place, "no").end(), 2)
        serial = only(place, standing="expired-renewable")["serial"]
        run = Renewal(place, "", "--serial", serial.lower(), "--no-wait")
        tap.equal(run.end(), 4, run.text)
        tap.equal(only(place, serial=serial)["order"]["number"], orders(place)[0]["number"])


@tap.test("usage: what cannot be understood is said, and ends with 2")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")], start=False) as place:
        for arguments in (["renew", "--pin-fd", "x"], ["renew", "--json"], ["certs", "--pin-fd", "3"], ["nonsense"], ["--nonsense"], ["certs", "more"]):
            done = place.run([tap.built("certhall"), *arguments], check=False)
            tap.equal(done.returncode, 2, str(arguments))
            tap.contains(done.stderr, "Usage:")
        tap.equal(command(place, "--version").stdout, "certhall 0.1.0\n")
        tap.contains(command(place, "--help").stdout, "certhall renew")


@tap.test("the hall is away: said plainly, before the PIN")
def _():
    with hall.Hall(certs=[cert(DUE, "ec:P-256")], start=False) as place:
        run = Renewal(place, "")
        tap.equal(run.end(), 1)
        tap.equal(run.text, "certhall: The hall cannot be reached. Check the network connection and try again.\n")
        done = command(place, "certs")
        tap.equal(done.returncode, 1)
        tap.contains(done.stdout, "Unknown until the hall answers")


tap.run()
