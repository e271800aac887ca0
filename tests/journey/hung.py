"""A key's module that hangs: the person is told within 10 s, may wait or give up, and meanwhile the program does what it is asked.

All cases at the same time, each with a program and a certificate of its own: they mostly wait.
"""
import concurrent.futures
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests", "renewal"))
from walk import Walk, hall, tap  # noqa: E402
import key as keys  # noqa: E402
from renewals import DETAILS, certs  # noqa: E402

WITHIN = 10  # seconds in which the person is told
NAMES = [f"测试{number}号（样票）有限公司" for number in "一二三四五六七八九"]
HUNG = "The key has not answered for several seconds."

place = hall.Hall(certs=[(name, "ec:P-256", -345, 20) for name in NAMES], settings={'"rsa:2048,rsa:3072,ec:P-256"': '"ec:P-256"'})


class Case:
    def __init__(self, holder):
        self.holder = holder
        self.key = keys.Key(place, copy=True)
        self.person = self.screen = None

    def walk(self):
        self.person = Walk(place, "en", rows=60, **self.key.env)
        self.screen = self.person.screen
        return self.person

    def order_number(self):
        return self.screen.wait_for(lambda: self.screen.match(r"AZT[0-9A-Z]{11}"), "the order's number").group()

    def told(self, since):
        """The dialog is there in time; the window can be resized under it, and the helper that hangs is still there."""
        self.screen.wait(HUNG, timeout=WITHIN + 20)
        took = time.monotonic() - since
        tap.check(took < WITHIN, f"told after {took:.1f} s")
        self.screen.resize(100, 30)
        self.screen.wait_for(lambda: len(self.screen.state["rows"]) == 30 and "F1 ?" in self.screen.state["rows"][29], "the larger page")
        self.screen.resize(80, 24)
        self.screen.wait_for(lambda: len(self.screen.state["rows"]) == 24 and "F1 ?" in self.screen.state["rows"][23], "the smaller page")
        self.screen.wait(HUNG)
        return keys.helpers(self.screen.pid)

    def give_up(self, helpers):
        self.screen.key("8")
        self.screen.wait_gone(HUNG)
        self.screen.wait("The key does not answer. Pull it out")
        keys.wait_gone(helpers)

    def choose(self):
        self.person.home()
        self.screen.wait("Serial")
        self.person.check_environment()
        self.person.choose(self.holder)

    def log_in(self):
        """Enters the PIN and gives the moment of it."""
        self.person.see("Enter the key's PIN")
        self.screen.type(hall.PIN)
        self.screen.key("Enter")
        return time.monotonic()

    def paid(self):
        self.choose()
        self.log_in()
        self.person.details()
        number = self.order_number()
        place.certhalld("pay", number)
        self.screen.wait("F2 Enter Install certificate")
        self.screen.key("Enter")
        return number


def at_home(case):
    """C_GetSlotList, as the key is read: the rest of the hall is open meanwhile."""
    case.key.plan("C_GetSlotList * sleep 100")
    with case.walk():
        case.person.home()
        since = time.monotonic()
        case.screen.key("4")
        case.person.title("Help centre")
        case.screen.key("Esc")
        helpers = case.told(since)
        case.give_up(helpers)
        case.screen.key("F5")
        case.screen.wait("Serial")


def at_login(function):
    def run(case):
        with case.walk():
            case.choose()
            case.key.plan(f"{function} * sleep 100")
            helpers = case.told(case.log_in())
            case.give_up(helpers)
            case.screen.key("Enter", "F2")
            case.log_in()
            case.person.title("Confirm details")
    return run


def at_key_pair(case):
    with case.walk():
        number = case.paid()
        case.key.plan("C_GenerateKeyPair * sleep 100")
        helpers = case.told(case.log_in())
        case.screen.key("C-c")  # what is being written must not be left by chance
        case.give_up(helpers)
        case.screen.wait("The installation did not succeed.")
        case.screen.key("Enter")
        case.screen.wait("F2 Enter Install certificate")
        case.person.install()
        tap.contains(case.screen.text(), number)


def slow_key_pair(case):
    """A key that takes its time: the page says so and shows that something goes on, and waiting ends well."""
    with case.walk():
        case.paid()
        case.key.plan("C_GenerateKeyPair * sleep 11")
        since = case.log_in()
        case.screen.wait("this may take a while")
        for spin in "|/-\\":
            case.screen.wait(re.compile(rf"^ {re.escape(spin)} .*this may take a while"))
        case.screen.wait(HUNG)
        tap.check(time.monotonic() - since < WITHIN)
        case.screen.key("Enter")
        case.screen.wait_gone(HUNG)
        case.person.title("Renewal complete")
        tap.check(time.monotonic() - since >= 11)


def line_by_line(function):
    """certhall renew: told within the time; Ctrl-C gives up, the same command goes on."""
    def run(case):
        fingerprint = next(one["fingerprint"] for one in certs(place) if one["holder"] == case.holder)
        arguments = ["renew", "--acknowledge", "--no-qr", "--cert", fingerprint, *DETAILS, "--email", ""]
        env = place.env("en", **case.key.env)
        in_install = function in ("C_GenerateKeyPair", "C_Sign")
        if function == "C_GetSlotList":
            case.key.plan(f"{function} * sleep 100")
        with place.certhall(*arguments, env=env, rows=50, cols=120) as screen:
            since = time.monotonic()
            if function != "C_GetSlotList":
                screen.wait("PIN of the key:")
                if not in_install:
                    case.key.plan(f"{function} * sleep 100")
                screen.type(hall.PIN)
                screen.key("Enter")
                since = time.monotonic()
            if in_install:
                for question in ("Contact", "Phone", "Unit name", "Taxpayer number", "E-mail"):
                    screen.wait(question)
                    screen.key("Enter")
                number = screen.wait_for(lambda: screen.match(r"Order (AZT\w+), to pay"), "the order").group(1)
                place.certhalld("pay", number)
                screen.wait_for(lambda: sum("PIN of the key:" in row for row in screen.state["rows"]) == 2, "the second PIN")
                case.key.plan(f"{function} {'3' if function == 'C_Sign' else '*'} sleep 100")  # CSR's: C_Sign of the login was the first
                screen.type(hall.PIN)
                screen.key("Enter")
                since = time.monotonic()
            screen.wait("The key has not answered for several seconds.", timeout=WITHIN + 20)
            took = time.monotonic() - since
            tap.check(took < WITHIN, f"told after {took:.1f} s")
            helpers = keys.helpers(screen.pid)
            screen.key("C-c")
            screen.wait("The key does not answer. Pull it out")
            tap.equal(screen.exit_status(), 1)
            keys.wait_gone(helpers)
        with place.certhall(*arguments, env=env, rows=50, cols=120) as screen:
            screen.wait("PIN of the key:")
            screen.type(hall.PIN)
            screen.key("Enter")
            screen.wait_any("Contact", "PIN of the key:")
            if in_install:
                screen.wait_for(lambda: sum("PIN of the key:" in row for row in screen.state["rows"]) == 2, "the second PIN")
                screen.type(hall.PIN)
                screen.key("Enter")
                screen.wait("is finished")
                tap.equal(screen.exit_status(), 0)
    return run


@tap.test("told within 10 s, waiting or giving up, wherever the module hangs")
def _():
    cases = [at_home, at_login("C_Login"), at_login("C_Sign"), at_key_pair, slow_key_pair,
             *(line_by_line(function) for function in ("C_GetSlotList", "C_Login", "C_Sign", "C_GenerateKeyPair"))]
    with place, concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        futures = [pool.submit(run, Case(holder)) for run, holder in zip(cases, NAMES)]
        for future in futures:
            future.result()


tap.run()
