"""Too early and too late: what a person reads, and that nothing is asked of the key."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from walk import Walk, hall, tap  # noqa: E402

EARLY, LATE = "测试过早有限公司", "测试过晚有限公司"
TOO_EARLY, TOO_LATE = "Not yet renewable; from %s on", "The time for renewing ended on %s; visit a service point with your organisation's documents"


def refused(lang, holder, said):
    with Walk(where, lang, module=True) as person:
        person.home()
        person.check_environment()
        person.choose(holder)
        person.see("This certificate cannot be renewed")
        person.see(said)


where = hall.Hall(certs=[(EARLY, "rsa:2048", -165, 200), (LATE, "ec:P-256", -765, -400)])


@tap.test("too early, in Chinese")
def _():
    refused("zh_CN", EARLY, TOO_EARLY)


@tap.test("too late, in Chinese")
def _():
    refused("zh_CN", LATE, TOO_LATE)


@tap.test("too early and too late, in English")
def _():
    refused("en", EARLY, TOO_EARLY)
    refused("en", LATE, TOO_LATE)


tap.run()
