"""PINs that are wrong, up to the lock and not a try further; and nobody there any more: logged out everywhere."""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import api  # noqa: E402
import talk  # noqa: E402
from walk import Walk, hall, tap  # noqa: E402
import key as keys  # noqa: E402

HOLDER = "测试样票有限公司"
LAST = "One try is left."

place = hall.Hall(certs=[(HOLDER, "ec:P-256", -345, 20)], settings={'"rsa:2048,rsa:3072,ec:P-256"': '"ec:P-256"'})


def choose(person):
    person.home()
    person.screen.wait("Serial")
    person.check_environment()
    person.choose(HOLDER)


@tap.test("wrong, nearly locked, the last try only when confirmed, locked: each try is one the person made")
def _():
    key = keys.Key(place, copy=True)
    key.turn("pin_max", "3")
    key.turn("trace")
    with Walk(place, "en", **key.env) as person:
        screen = person.screen
        choose(person)
        person.pin("00000001")
        screen.wait("Only a few tries are left")
        tap.equal(key.calls("C_Login"), 1)
        person.pin("00000002")
        screen.wait("The last try", LAST, "> 1 Back")
        tap.equal(key.calls("C_Login"), 2)
        screen.key("Enter")
        screen.wait_gone("The last try")
        tap.check(not screen.find("Enter the key's PIN"), "asked for in spite of it")
        screen.key("F2")
        screen.wait("The last try")
        screen.key("2", "Enter")
        person.pin("00000003")
        screen.wait("The key is locked after too many wrong PINs. Only the", "certificate authority can unlock it")
        screen.key("Enter")
        screen.wait_gone("Not done")
        screen.key("F2")
        screen.wait("The key is locked after too many wrong PINs")
        tap.equal(key.calls("C_Login"), 3)
    env = place.env("en", **key.env)
    with place.certhall("renew", env=env) as screen:
        screen.wait("The key is locked")
        tap.equal(screen.exit_status(), 1)
    tap.equal(key.calls("C_Login"), 3)


@tap.test("line by line the last try is confirmed, and not used where nobody can")
def _():
    key = keys.Key(place, copy=True)
    key.turn("pin_max", "3")
    key.turn("pin_tries", "2")
    key.turn("trace")
    env = place.env("en", **key.env)
    for answer in ("n", ""):
        with place.certhall("renew", env=env, rows=40) as screen:
            screen.wait(LAST, "Are you sure of the PIN?")
            screen.type(answer)
            screen.key("Enter")
            tap.equal(screen.exit_status(), 1)
            tap.check(not screen.find("PIN of the key:"))
    done = place.run([tap.built("certhall"), "renew", "--pin-fd", "0", "--acknowledge"], check=False, input=hall.PIN + "\n", env=env)
    tap.equal(done.returncode, 1)
    tap.contains(done.stderr, "It is not used without asking")
    tap.equal(key.calls("C_Login"), 0)
    with place.certhall("renew", env=env, rows=40) as screen:
        screen.wait("Are you sure of the PIN?")
        screen.type("y")
        screen.key("Enter")
        screen.wait("PIN of the key:")
        screen.type(hall.PIN)
        screen.key("Enter")
        screen.wait("Contact")
    tap.equal(key.calls("C_Login"), 1)



@tap.test("without a key for a while: logged out of the hall and of the key, and the order waits at home")
def _():
    key = keys.Key(place, settings={"token = {": "ui = { idle = 3; };\ntoken = {"})
    key.turn("trace")
    with Walk(place, "en", **key.env) as person:
        screen = person.screen
        choose(person)
        person.pin(hall.PIN)
        person.title("Confirm details")
        helpers = keys.helpers(screen.pid)
        screen.wait("Logged out: no key was pressed for a while.", "Renew certificate", timeout=20)
        keys.wait_gone(helpers)
        tap.check(key.calls("C_Logout") >= 1, "the key was not logged out")
        choose(person)
        person.pin(hall.PIN)
        person.details()
        number = screen.wait_for(lambda: screen.match(r"AZT[0-9A-Z]{11}"), "the order's number").group()
        screen.wait("Logged out: no key was pressed for a while.", "Go on with the order", timeout=20)
        screen.wait(f"Unfinished order {number}")
        screen.key("Enter")
        screen.wait_gone("Logged out")
        screen.wait("Enter the key's PIN")
        screen.type("135")
        screen.wait("***")
        screen.wait("Logged out: no key was pressed for a while.", timeout=20)
        tap.check(not screen.find("Enter the key's PIN"), "the PIN is still asked for")


@tap.test("an installation under way is not interrupted by that")
def _():
    key = keys.Key(place, settings={"token = {": "ui = { idle = 1; };\ntoken = {"})
    with Walk(place, "en", **key.env) as person:
        screen = person.screen
        person.home()
        screen.wait("Go on with the order")
        number = screen.match(r"AZT[0-9A-Z]{11}").group()
        place.certhalld("pay", number)
        screen.key("0")
        person.pin(hall.PIN)
        screen.wait("F2 Enter Install certificate")
        key.plan("C_GenerateKeyPair * sleep 3")
        screen.key("Enter")
        person.pin(hall.PIN)
        screen.wait("The certificate is being installed.")
        which = screen.wait_any("Renewal complete", "Logged out")
        tap.equal(which, 0, "done before anybody was logged out")
        screen.wait("Logged out", timeout=20)


@tap.test("locked by hand: nothing of anybody is on the screen")
def _():
    key = keys.Key(place)
    with Walk(place, "en", **key.env) as person:
        screen = person.screen
        person.home()
        screen.wait(HOLDER, "Serial")
        helpers = keys.helpers(screen.pid)
        screen.key("9")
        screen.wait("The hall is locked.")
        tap.check(not screen.find(HOLDER) and not screen.find(re.compile("Serial|SimKey")), screen.text())
        keys.wait_gone(helpers)
        screen.key("Enter")
        screen.wait("Serial")


@tap.test("the key taken out after the renewal: logged out, and the next person finds no invoice of hers; not while the order goes on")
def _():
    with hall.Hall(certs=[(HOLDER, "ec:P-256", -345, 20)]) as where:
        key = keys.Key(where)
        with Walk(where, "en", **key.env) as person:
            screen = person.screen
            taken = "The key was taken out: you are logged out of the hall."
            choose(person)
            person.pin(hall.PIN)
            person.details()
            number, _ = person.payment()
            key.turn("removed")
            screen.key("F5")
            screen.wait("not paid yet")
            screen.key("Enter")
            screen.wait_gone("not paid yet")
            tap.check(not screen.find(taken), "logged out while the order is being paid for")
            key.turn("removed", None)
            where.certhalld("pay", number)
            person.install()
            screen.key("7")
            screen.wait("Invoices found", HOLDER)
            key.turn("removed")
            screen.wait(taken, "Renewal complete")
            tap.check(not screen.find("13800000000"), screen.text())
            screen.key("7")
            screen.wait("Digits in the picture")
            screen.key("Esc")
            screen.wait("Renewal complete")
            screen.key("Enter")
            screen.wait("No key is inserted")


@tap.test("... after it was shown to the service: what is being written stays; a conversation goes on, and with its end one is logged out")
def _():
    key, taken = keys.Key(place), "The key was taken out: you are logged out of the hall."
    agent = talk.Agent(api.Client(place))
    with Walk(place, "en", **key.env) as person:
        screen = person.screen

        def show_key():
            screen.wait("You are anonymous.")
            screen.key("F7")
            person.pin(hall.PIN)
            screen.wait("The agent sees your certificate")
        person.home()
        screen.wait("Serial")
        screen.key("F4")
        show_key()
        screen.key("Enter")
        screen.wait("Question *")
        screen.type("13800000000")
        screen.key("Enter")
        screen.type("half a question")
        key.turn("removed")
        screen.wait(taken, "half a question")
        key.turn("removed", None)
        agent.be("online").is_ok()
        screen.key("Esc")
        screen.wait("The next free agent")
        show_key()
        screen.key("Home", "Enter")
        screen.wait("Write here; Enter sends")
        agent.taken()
        key.turn("removed")
        screen.type("still here")
        screen.key("Enter")
        screen.wait(re.compile("Me +sent"), "still here")
        screen.key("Esc")
        screen.wait("No key is inserted")
        tap.check(not screen.find(taken), "logged out while the conversation goes on")
        screen.key("F4")
        screen.wait("You are talking to")
        agent.close()
        screen.wait(taken, "The conversation has ended.")
        screen.key("Esc")
        screen.wait("Renew certificate", "No key is inserted")
        screen.key("3")
        screen.wait("Digits in the picture")
        key.turn("removed", None)


tap.run()
