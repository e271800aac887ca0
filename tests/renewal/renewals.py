"""certhall renew on a real hall, bank and key."""
import hashlib
import json
import os
import re
import signal
import subprocess

import hall
import tap

DUE = ("测试甲精密机械有限公司（样票）", -345, 20)
EXPIRED = ("测试乙环保科技有限公司（样票）", -405, -40)
DETAILS = ["--contact", "样票", "--phone", "13800000000", "--tax-no", "91350100M000100Y43"]


def cert(kind, algorithm):
    name, start, end = kind
    return name, algorithm, start, end


def command(place, name, *arguments, env=None):
    return place.run([tap.built("certhall"), name, *arguments], check=False, env=env)


def certs(place, env=None):
    done = command(place, "certs", "--json", env=env)
    tap.equal(done.returncode, 0, done.stderr)
    return json.loads(done.stdout)["certificates"]


def only(place, **wanted):
    found = [one for one in certs(place) if all(one.get(key) == value for key, value in wanted.items())]
    tap.equal(len(found), 1, wanted)
    return found[0]


class Renewal:
    """One run of certhall renew. lines: what it has printed so far."""

    def __init__(self, place, fingerprint, *arguments, pin=hall.PIN, details=DETAILS, home=None, env=None):
        self.place, self.lines = place, []
        read, write = os.pipe()
        os.write(write, f"{pin}\n".encode())
        os.close(write)
        env = env or place.env("en", module=True, home=home)
        self.process = subprocess.Popen([tap.built("certhall"), "renew", "--pin-fd", str(read), "--acknowledge", "--cert", fingerprint, *details, *arguments],
                                        env=env, pass_fds=[read], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        os.close(read)
        tap.remember(f"certhall renew {' '.join(arguments)}")

    def until(self, pattern):
        """Reads on to a line that fits; its match, or None when the program ended before."""
        for line in self.process.stdout:
            self.lines.append(line)
            tap.remember(line.rstrip())
            match = re.search(pattern, line)
            if match:
                return match
        return None

    def pay(self):
        """Waits for the payment code and pays; the order's number."""
        match = self.until(r"Order (\w+), to pay")
        tap.check(match, "".join(self.lines))
        self.place.certhalld("pay", match[1])
        return match[1]

    def end(self):
        """Its exit status."""
        self.until("^\\b$")
        return self.process.wait(60)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.end()

    @property
    def text(self):
        return "".join(self.lines)


def verified(place, old):
    """The certificate that replaces old on the key: of the same holder, chained to the CA by OpenSSL, its key pair there."""
    new = [one for one in certs(place) if one["holder"] == old["holder"] and one["serial"] != old["serial"] and one["days_left"] > 300]
    tap.equal(len(new), 1, "new certificates of this holder")
    ids = [key for key in place.key_ids("cert") if hashlib.sha256(place.read_cert(key)).hexdigest() == new[0]["fingerprint"]]
    tap.equal(len(ids), 1)
    tap.equal(place.key_ids("privkey").count(ids[0]), 1, "private keys with its id")
    tap.equal(place.key_ids("pubkey").count(ids[0]), 1, "public keys with its id")
    der = place.read_cert(ids[0])
    pem = subprocess.run(["openssl", "x509", "-inform", "DER"], input=der, capture_output=True, check=True).stdout
    subprocess.run(["openssl", "verify", "-CAfile", os.path.join(place.dir, "hall/ca.pem")], input=pem, capture_output=True, check=True)
    return new[0]


def orders(place):
    return json.loads(place.certhalld("orders", "--json").stdout)
