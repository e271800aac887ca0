"""A hall that is slow to answer: what was chosen meanwhile goes on by itself when it does."""
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from walk import Walk, hall, tap  # noqa: E402

HOLDER = "测试样票有限公司"


@tap.test("chosen before the hall has said where it stands")
def _():
    with hall.Hall(certs=[(HOLDER, "rsa:2048", -345, 20)]) as where, Walk(where, "zh_CN", module=True) as person:
        person.home()
        person.check_environment()
        person.screen.wait(HOLDER)
        tokens = os.path.join(where.dir, "key/tokens")
        os.rename(tokens, tokens + "-away")
        os.mkdir(tokens)
        person.see("No key is inserted. Insert it and try again.")
        where.service.process.send_signal(signal.SIGSTOP)
        os.rmdir(tokens)
        os.rename(tokens + "-away", tokens)
        person.key("F5")
        person.see("Unknown until the hall answers")
        person.key("Enter")
        where.service.process.send_signal(signal.SIGCONT)
        person.see("Enter the key's PIN")


tap.run()
