"""The checker's third book: what is on the key fits the hall's orders, or is told of."""
import os
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../renewal"))
import books
import hall
import tap
from renewals import DUE, EXPIRED, Renewal, cert, only

numbers = []
place = hall.Hall(certs=[cert(DUE, "ec:P-256"), cert(EXPIRED, "ec:P-256")])


def renewed(holder):
    renewal = Renewal(place, only(place, holder=holder)["fingerprint"])
    number = renewal.pay()
    tap.equal(renewal.end(), 0, renewal.text)
    return number


def told(said):
    try:
        books.check(place, token=place)
    except books.Broken as broken:
        tap.contains(str(broken), said)
    else:
        raise AssertionError("nothing was told")


@tap.test("After a renewal the hall, the bank and the key tell the same")
def _():
    numbers.append(renewed(DUE[0]))
    tap.equal(books.check(place, token=place), {"in": 36000, "issued": 36000, "refunded": 0, "pending": 0, "held": 0})
    tap.check(books.key_id(numbers[0], "signing") in {i.lower() for i in place.key_ids("privkey")})


@tap.test("A key that is left of an order that came to nothing, and a certificate without its key, are told of")
def _():
    renewal = Renewal(place, only(place, holder=EXPIRED[0])["fingerprint"])
    number = renewal.until(r"Order (\w+), to pay")[1]
    renewal.kill()
    mine = books.key_id(number, "signing")
    place.pkcs11("--keypairgen", "--key-type", "EC:prime256v1", "--id", mine, "--label", "left", pin=hall.PIN)
    books.check(place, token=place) # it is still open
    tap.equal(place.certhalld("orders").stdout.count(number), 1)
    with sqlite3.connect(books.database_of(place)) as db:
        db.execute("UPDATE orders SET expires = created - 1 WHERE number = ?", [number])
    db.close()
    for _ in range(2000):
        if '"cancelled"' in place.certhalld("orders", "--json").stdout:
            break
    told("something of it is on the key")
    place.pkcs11("--delete-object", "--type", "privkey", "--id", mine, pin=hall.PIN)
    books.check(place, token=place)
    other = books.key_id(numbers[0], "signing")
    place.pkcs11("--delete-object", "--type", "privkey", "--id", other, pin=hall.PIN)
    told("a certificate without its key")


tap.run()
