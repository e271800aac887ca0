"""The code read off a screenshot of a real terminal emulator."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from walk import hall, tap  # noqa: E402
import xterm  # noqa: E402

HOLDER = "测试样票有限公司"


@tap.test("xterm shows a code that can be read")
def _():
    with hall.Hall(certs=[(HOLDER, "ec:P-256", -345, 20)]) as where:
        done = where.run([tap.built("certhall"), "renew", "--pin-fd", "0", "--contact", "张样票", "--phone", "13800000000", "--title", HOLDER,
                          "--tax-no", "91140100MA0TEUT14N", "--acknowledge", "--yes", "--no-wait", "--no-qr"], input=hall.PIN + "\n", check=False)
        link = next(word for word in done.stdout.split() if word.startswith("http"))
        with xterm.Xterm([tap.built("certhall")], env=where.env("zh_CN", module=True)) as terminal:
            terminal.wait("AZT")
            terminal.key("Return")
            terminal.wait("请输入密钥的 PIN 码")
            terminal.type(hall.PIN)
            terminal.key("Return")
            tap.equal(terminal.wait_qr(60), link)


tap.run()
