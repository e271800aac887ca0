"""Two customers' terminals and an agent's desk, all of them the program itself, through one hall over a bad line."""
import contextlib
import os
import re
import signal
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import chaos  # noqa: E402
from walk import Walk, hall, tap  # noqa: E402

HOLDER, AGENT = "测试样票有限公司", "测试客服甲（样票）"
BURST = 10
where = hall.Hall(certs=[(HOLDER, "ec:P-256", -345, 20)], settings={
    "log = {": "limits = { address_rate = 0; certificate_rate = 0; query_rate = 0; };\nchat = { rate = 0; answer_seconds = 60; };\nlog = {"})
where.script("staff")


def texts(side, said):
    """What that side said in the conversation in which that was said, by its numbers."""
    with contextlib.closing(sqlite3.connect(os.path.join(where.dir, "hall/certhall.db"), timeout=30)) as db:
        return [body for body, in db.execute("SELECT body FROM message WHERE kind = 0 AND side = ? AND conversation ="
                                             " (SELECT conversation FROM message WHERE body = ?) ORDER BY seq", (side, said))]


def desk():
    screen = where.certhall("desk", env=dict(where.env("zh_CN", module=True, home=where.new_home()), SOFTHSM2_CONF=os.path.join(where.dir, "staff/softhsm2.conf")))
    screen.wait(AGENT, "测试督导甲（样票）")
    screen.wait_gone("正在读取")
    while not screen.find("> " + AGENT):
        screen.key("Down")
        screen.quiet()
    screen.key("Enter")
    screen.wait("请输入密钥的 PIN 码")
    screen.type(hall.PIN)
    screen.key("Enter")
    screen.wait("我的会话 0/5")
    return screen


def begin(person, first):
    person.home()
    person.screen.wait(HOLDER)
    person.key("F4")
    person.title("Online service")
    person.see("The next free agent")
    person.key("Enter")
    person.see("Write here; Enter sends")
    write(person.screen, first)


def write(screen, text):
    screen.type(text)
    screen.key("Enter")


def shown(screen, names):
    """The texts of both sides as they stand on the screen, from the top."""
    return re.findall("(?:" + "|".join(names) + r") [问答] \d\d", "\n".join(screen.state["rows"]))


@tap.test("two customers and an agent talk while the line is cut and the hall is killed: order and count are exact on every side")
def _():
    with chaos.Proxy(where.port) as line:
        where.through(line.port)
        with desk() as agent, Walk(where, "zh_CN", module=True, rows=60) as one, Walk(where, "zh_CN", module=True, home=where.new_home(), rows=60) as two:
            for number, person in enumerate((one, two), 1):
                begin(person, f"甲乙"[number - 1] + " 问 00")
                agent.wait("按 F2 接入")
                agent.key("F2")
                agent.wait("甲乙"[number - 1] + " 问 00", "已接入会话", f"我的会话 {number}/5")
            asked = {name: [f"{name} 问 {i:02d}" for i in range(BURST + 1)] for name in "甲乙"}
            answered = [f"乙 答 {i:02d}" for i in range(1, BURST + 1)]
            for i in range(1, BURST + 1):
                if i == 3:
                    line.cut()
                if i == 5:
                    tap.seen(lambda: texts(0, "甲 问 00"), lambda seen: len(seen) > 2)
                    where.service.stop(signal.SIGKILL)
                    where.port = line.to = where.service.start()
                if i == 8:
                    line.reset()
                write(one.screen, asked["甲"][i])
                write(two.screen, asked["乙"][i])
                write(agent, answered[i - 1])
            for name, person in (("甲", one), ("乙", two)):
                tap.seen(lambda: texts(0, asked[name][0]), lambda seen: len(seen) >= BURST + 1)
                tap.equal(texts(0, asked[name][0]), asked[name])
                person.screen.wait_for(lambda: [t for t in shown(person.screen, name) if "问" in t] == asked[name], f"{name}'s own in order")
            tap.seen(lambda: texts(1, "乙 问 00"), lambda seen: len(seen) >= BURST)
            tap.equal(texts(1, "乙 问 00"), answered)
            tap.equal(texts(1, "甲 问 00"), [])
            two.screen.wait_for(lambda: [t for t in shown(two.screen, "乙") if "答" in t] == answered, "the answers in order")
            agent.resize(80, 60)
            agent.wait_for(lambda: sorted(shown(agent, "乙")) == sorted(asked["乙"] + answered), "all of it at the desk, once each")
            tap.equal([t for t in shown(agent, "乙") if "问" in t], asked["乙"])
            tap.equal([t for t in shown(agent, "乙") if "答" in t], answered)
            agent.wait(re.compile(r"\*10"))  # the other conversation's, unread
        where.through(where.port)


tap.run()
