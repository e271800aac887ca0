"""The whole way, as a newcomer walks it: 控件安装, a wrong PIN, a wrong taxpayer number, paying by the code on the screen."""
import calendar
import datetime
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import walk  # noqa: E402
from walk import Walk, hall, tap  # noqa: E402

CHINA = datetime.timezone(datetime.timedelta(hours=8))


def a_year_after(moment):
    moment = moment.astimezone(CHINA)
    day = min(moment.day, calendar.monthrange(moment.year + 1, moment.month)[1])
    return moment.replace(year=moment.year + 1, day=day)


def journey(lang, algorithm, old_algorithm, from_days, to_days):
    holder = "测试样票有限公司"
    with hall.Hall(certs=[(holder, old_algorithm, from_days, to_days)],
                   settings={f'algorithms = "{default_algorithms()}"': f'algorithms = "{algorithm}"'}) as where:
        made = datetime.datetime.now(datetime.timezone.utc)
        with Walk(where, lang) as person:
            person.home()
            person.check_environment(component=True)
            person.screen.wait(holder, timeout=60)
            person.key("F3")
            person.see("The whole certificate, in technical terms:")
            person.key("Esc")
            person.title("Choose certificate")
            person.choose(holder)
            person.pin("87654321")
            person.see("The PIN is wrong.")
            person.pin(hall.PIN)
            person.details(bad=walk.BAD_TAX_NO)
            number, link = person.payment()
            walk.pay_in_browser(link)
            person.install()
            person.see("The invoice comes within %d working days; look for it under Invoices.")
            person.key("7")  # by the key, so without a picture and unmasked
            person.title("Invoices found")
            person.screen.wait(holder, walk.GOOD_TAX_NO, "13800000000")
        old_end = made + datetime.timedelta(days=to_days)
        ends = a_year_after(old_end if to_days > 0 else made).astimezone(datetime.timezone.utc)
        walk.check_on_key(where, number, algorithm, holder, ends.strftime("%Y-%m-%d"))
        tap.equal(len(where.key_ids("cert")), 2, "the old certificate is kept")
        orders = json.loads(where.certhalld("orders", "--json").stdout)
        orders = orders.get("orders", orders) if isinstance(orders, dict) else orders
        tap.equal([(order["number"], order["state"]) for order in orders], [(number, "installed")])
        paid = where.ledger()["payments"]
        tap.equal(len(paid), 1, "payments")


def default_algorithms():
    import re
    with open(os.path.join(os.environ["top_srcdir"], "config/demo/certhalld.conf.in"), encoding="utf-8") as file:
        return re.search(r'algorithms = "([^"]*)"', file.read()).group(1)


@tap.test("in Chinese: a due RSA certificate, renewed with an RSA key")
def _():
    journey("zh_CN", "rsa:2048", "rsa:2048", -345, 20)


@tap.test("in English: an expired EC certificate, renewed with an EC key")
def _():
    journey("en", "ec:P-256", "ec:P-256", -405, -40)


tap.run()
