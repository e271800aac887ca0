"""Leaving after paying, and finishing from a fresh start with an empty home folder, as on another terminal."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import walk  # noqa: E402
from walk import Walk, hall, tap  # noqa: E402

HOLDER = "测试样票有限公司"


@tap.test("paid, left, and finished elsewhere")
def _():
    with hall.Hall(certs=[(HOLDER, "rsa:2048", -345, 20)]) as where:
        with Walk(where, "zh_CN", module=True) as person:
            person.home()
            person.check_environment()
            person.choose(HOLDER)
            person.pin(hall.PIN)
            person.details()
            number, link = person.payment()
        walk.pay_in_browser(link)  # the window is closed by now
        with Walk(where, "zh_CN", module=True, home=where.new_home()) as person:
            person.home()
            person.see("Go on with the order")
            person.screen.wait(number)
            person.key("Enter")
            person.pin(hall.PIN)
            person.install()
        tap.equal(where.key_ids("cert").count(walk.order_key_id(number)), 1)
        paid = where.ledger()["payments"]
        tap.equal(len(paid), 1, "payments")


tap.run()
