"""The hall hands out a certificate that is not the one asked for: nothing goes to the key, the person is told, and once the hall is honest the
same order is finished."""
import os
import sys

for folder in ("journey", "renewal"):
    sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests", folder))
import hall
import hostile_hall
import tap
import walk
from hostile_hall import element, forged, openssl, parts, tlv
from renewals import orders

HOLDER, OTHER = "测试甲精密机械有限公司（样票）", "测试乙环保科技有限公司（样票）"


def utc(text):
    return tlv(0x17, text.encode())


def time_of(der, which):
    return parts(element(der, hostile_hall.VALIDITY))[which]


def other_key(path):
    """A public key of somebody else's."""
    openssl("genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
    return openssl("pkey", "-in", path, "-pubout", "-outform", "DER")


def other_authority(where, name):
    """The key of another CA, which calls itself by a name; and a real name of its own."""
    key, cert = (os.path.join(where.dir, "run", name + end) for end in (".key", ".pem"))
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3000", "-subj", f"/CN={name}", "-keyout", key, "-out", cert)
    return key, element(openssl("x509", "-in", cert, "-outform", "DER"), hostile_hall.SUBJECT)


def forgeries(where, old):
    """(what it is, what the person reads, made of the honest one)."""
    ours, stranger = os.path.join(where.dir, "hall/ca.key"), other_authority(where, "stranger")
    key = other_key(os.path.join(where.dir, "run/other.key"))
    old_serial, other_subject = element(old, hostile_hall.SERIAL), stranger[1]
    yield "another key", "the public key", lambda der: forged(der, ours, KEY=key)
    yield "another subject", "the subject", lambda der: forged(der, ours, SUBJECT=other_subject)
    yield "the old serial number", "the serial number", lambda der: forged(der, ours, SERIAL=old_serial)
    yield "no signatures by this key", "the key usage", lambda der: forged(der, ours, EXTENSIONS=element(der, hostile_hall.EXTENSIONS).replace(
        bytes.fromhex("030206c0"), bytes.fromhex("03020640")))
    yield "for a server", "the extended key usage", lambda der: forged(der, ours, EXTENSIONS=element(der, hostile_hall.EXTENSIONS).replace(
        bytes.fromhex("06082b06010505070302"), bytes.fromhex("06082b06010505070301")))
    yield "no beginning yet", "the start of validity", lambda der: forged(der, ours, VALIDITY=tlv(0x30, utc("480101000000Z") + utc("490101000000Z")))
    yield "a day less", "the end of validity", lambda der: forged(der, ours, VALIDITY=tlv(0x30, time_of(der, 0) + utc("270101000000Z")))
    yield "a hundred years", "the end of validity", lambda der: forged(der, ours, VALIDITY=tlv(0x30, time_of(der, 0) + tlv(0x18, b"21270101000000Z")))
    yield "another CA of our CA's name", "the issuer", lambda der: forged(der, stranger[0])
    yield "another CA", "the issuer", lambda der: forged(der, stranger[0], ISSUER=stranger[1])
    yield "a signature that is wrong by a bit", "the issuer", lambda der: der[:-1] + bytes([der[-1] ^ 1])
    yield "the old one again", "the public key", lambda der: old
    yield "something behind it", "cannot be read", lambda der: der + b"\0"
    yield "half of it", "cannot be read", lambda der: der[:len(der) // 2]
    yield "100 kB of zeros", "cannot be read", lambda der: bytes(100_000)


def replace(forge):
    def change(order):
        for item in order.get("items", []):
            if item.get("certificate"):
                item["certificate"] = hostile_hall.rebase64(forge(hostile_hall.unbase64(item["certificate"])))
    return change


def contents(where):
    return [where.key_ids(kind) for kind in ("cert", "pubkey", "privkey")]


@tap.test("a certificate that is not what was asked for is never written, and recovery finishes the order")
def _():
    with hall.Hall(certs=[(HOLDER, "ec:P-256", -345, 20)], settings={'algorithms = "rsa:2048,rsa:3072,ec:P-256"': 'algorithms = "ec:P-256"'}) as where:
        proxy = hostile_hall.Proxy(where, timeout=30)
        old = where.read_cert(where.key_ids()[0])
        before = where.key_ids()
        with walk.Walk(where, "en", module=True) as person:
            person.home()
            person.check_environment()
            person.choose(HOLDER)
            person.pin(hall.PIN)
            person.details()
            number, _ = person.payment()
            where.certhalld("pay", number)
            for name, said, forge in forgeries(where, old):
                with tap.step(name), proxy.change(r".*/v1/orders/.*|POST /v1/sessions", replace(forge)):
                    person.title("Install certificate")
                    person.screen.wait("F2 Enter Install certificate")
                    person.key("Enter")
                    person.pin(hall.PIN)
                    person.see("The installation did not succeed.")
                    person.screen.wait(said)
                    person.screen.wait("Check the new certificate", "failed")
                    tap.equal(where.key_ids(), before, "certificates on the key")
                    tap.equal(orders(where)[0]["state"], "issued")
                person.key("Enter")
            person.screen.wait("F2 Enter Install certificate")
            person.install()
            person.screen.wait(number)
        tap.equal(orders(where)[0]["state"], "installed")
        walk.check_on_key(where, number, "ec:P-256", HOLDER, person_end(where, number))
        tap.equal([len(ids) for ids in contents(where)], [2, 2, 2], "certificates and keys")
        log = where.service.tail(500)
        tap.equal(log.count(f"issue: {number} signing: serial"), 1, log)


def person_end(where, number):
    end = openssl("x509", "-inform", "DER", "-noout", "-enddate", "-dateopt", "iso_8601", input=where.read_cert(walk.order_key_id(number)))
    return end.decode().strip().split("=")[1][:10]


tap.run()
