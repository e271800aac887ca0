"""A kiosk through a whole visit: a renewal, what goes wrong in one, the service, leaving. On every page there is no question for a file, nothing is written but in
the account's .local, no program runs but certhall-token, and no host is spoken to but the hall, wherever it leads (stand.Kiosk looks)."""
import os
import re

import hall
import stand
import tap
import talk
from api import Client
from renewals import DUE, EXPIRED, cert

house = stand.House([cert(DUE, "ec:P-256"), cert(EXPIRED, "ec:P-256")])
ELSEWHERE = f"https://127.0.0.1:{house.snare.port}/elsewhere"
NOT_SAVED = "This terminal is for everybody: conversations are not saved here."
house.proxy.headers = {"Location": ELSEWHERE, "Content-Location": ELSEWHERE, "Refresh": "0; url=" + ELSEWHERE, "Link": f"<{ELSEWHERE}>; rel=preload",
                       "Alt-Svc": f'h2=":{house.snare.port}"; ma=86400', "Set-Cookie": "a=b"}


def mislead(value, name=""):
    """The document with every link in it leading elsewhere."""
    if isinstance(value, dict):
        return {key: mislead(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [mislead(one, name) for one in value]
    return ELSEWHERE if name == "qr_url" and value else value


house.proxy.rules.append((".*", "change", mislead))


class Visitor(stand.Kiosk):
    def __init__(self, config=None):
        super().__init__(house, config)

    def choose(self, holder):
        self.check_environment()
        super().choose(holder)

    def paid(self):
        """The order's number; what the code leads to is not followed."""
        number, link = self.payment()
        tap.equal(link, ELSEWHERE)
        self.look_over()
        house.hall.certhalld("pay", number)
        return number

    def nothing_at(self, *keys):
        """Those keys bring no page and no question."""
        page = self.screen.rows()[1:] # above stands what the hall says it is called
        self.key(*keys)
        self.screen.quiet(0.1)
        tap.equal(self.screen.rows()[1:], page)

    def refused(self, key, said):
        self.key(key)
        self.see(said)
        self.look_over()
        self.key("Enter")
        self.screen.wait_gone(said[:24])


@tap.test("a whole renewal: the code, the receipt and the invoice stay on the screen; no redirect, link or header is followed")
def _():
    with Visitor() as person:
        person.home()
        person.screen.wait("still renewable")
        for status, target in ((302, ELSEWHERE), (307, ELSEWHERE), (301, ELSEWHERE.replace("https", "http"))):
            with house.proxy.answer("(GET|POST) /v1/.*", lambda h: h.send(status, b"", kind=None, Location=target)):
                person.key("F5")
                person.screen.wait("could not be understood")
            person.key("F5")
            person.screen.wait_gone("could not be understood")
        person.choose(DUE[0])
        person.pin(hall.PIN)
        person.details()
        person.paid()
        person.install()
        tap.equal(person.screen.find("receipt"), None)
        person.nothing_at("6", "F6", "C-s")
        person.key("F7")
        person.title("Invoices found")
        person.key("Esc")
        person.title("Renewal complete")
        person.key("Enter")
        person.home()
        tap.check(person.watch.hosts, "the watch has seen no connection")
    tap.equal([one for one in house.proxy.requests if "/packages" in one], [], "components were asked for")


@tap.test("the last try, and a key that is pulled: recovered at the kiosk")
def _():
    key = stand.Key(house)
    key.turn("pin_max", "3")
    key.turn("pin_tries", "2")
    with Visitor(key.config) as person:
        person.files |= {os.path.join(key.folder, name) for name in ("plan", "removed", "pin_tries", "new")} # the key's own
        person.home()
        person.screen.wait("Serial")
        person.choose(EXPIRED[0])
        person.see("The last try")
        person.look_over()
        person.key("2", "Enter")
        person.pin(hall.PIN)
        person.details()
        person.paid()
        key.plan("C_GenerateKeyPair * remove")
        person.title("Install certificate")
        person.key("Enter")
        person.pin(hall.PIN)
        person.see("The installation did not succeed.")
        person.look_over()
        person.nothing_at("6", "F6", "C-s")
        key.turn("removed", None)
        person.key("F2")
        person.screen.wait("F2 Enter Install certificate")
        person.install()


client = Client(house.hall)
agent = talk.Agent(client, "测试一号")


def conversation(person):
    """Until it is rated, with all that could be saved or sent."""
    person.see("The next free agent")
    person.key("Enter")
    person.see("Write here; Enter sends")
    stand.key.wait_for(lambda: client.get("/v1/service").is_ok()["waiting"], "somebody who waits")
    agent.taken()
    agent.say(f"请看 {ELSEWHERE} file:///etc/passwd")
    person.screen.wait("file:///etc/passwd")
    person.look_over()
    person.screen.type("/etc/passwd")
    person.key("Enter")
    stand.key.wait_for(lambda: [m["body"] for m in agent.history() if m["side"] == "customer"] == ["/etc/passwd"], "the words, and not the file")
    person.key("F5")
    person.screen.wait("Send this report?", "certhall 0.", "F2 Enter Send")
    person.look_over()
    person.key("Enter")
    person.screen.wait("> [Report of the environment check")
    stand.key.wait_for(lambda: agent.history()[-1]["kind"] == "report", "the report")
    for name in ("F7", "C-w"):
        person.refused(name, NOT_SAVED)


@tap.test("a conversation, anonymous and with the key: nothing of it is saved, no file is sent")
def _():
    agent.be("online").is_ok()
    with Visitor() as person:
        person.home()
        person.screen.wait("Serial")
        person.screen.wait_gone("Unknown until the hall answers")
        person.key("F4")
        person.title("Online service")
        conversation(person)
        person.key("F8")
        person.see("End the conversation?")
        person.key("2", "Enter")
        person.see("How was the service?")
        person.key("5")
        person.see("You have given %d of %d. Thank you.")
        person.refused("F7", NOT_SAVED)
        person.key("Esc")
        person.home()
        person.key("F4")
        person.title("Online service")
        person.see("You are anonymous. F7 shows your key first")
        person.key("F7")
        person.see("Which certificate is it about?")
        person.screen.wait(re.compile("1 测试"), re.compile("2 测试"))
        tap.equal(person.screen.find(re.compile("3 测试")), None) # those that were renewed are on the key too
        person.key("2", "Enter")
        person.pin(hall.PIN)
        person.see("The agent sees your certificate: %s")
        conversation(person)
        agent.close().is_ok()
        person.see("The conversation has ended.")
        person.refused("F7", NOT_SAVED)


@tap.test("no component can be installed, and whoever leaves leaves nothing")
def _():
    with Visitor(house.configure("no-module.conf", module="/nowhere/module.so")) as person:
        person.home()
        person.key("1")
        person.title("Environment check")
        person.screen.wait("At this terminal only whoever looks after it")
        person.screen.wait_gone("checking")
        tap.equal(person.screen.find("Install component"), None)
        person.nothing_at("F7")
        person.key("Esc")
        person.home()
    with Visitor(house.configure("idle.conf", "ui = { idle = 2; };\n")) as person:
        person.home()
        person.screen.wait("Serial")
        helpers = stand.key.helpers(person.screen.pid)
        person.key("9")
        person.see("The hall is locked.")
        person.look_over()
        stand.key.wait_gone(helpers)
        person.key("Enter")
        person.home()
        person.key("3")
        person.title("Invoices")
        person.field("Organisation", DUE[0])
        person.see("Logged out: no key was pressed for a while.")
        person.look_over()
        person.key("Enter")
        person.home()
        person.key("3")
        person.title("Invoices")
        tap.equal(person.screen.find(DUE[0]), None)


tap.run()
