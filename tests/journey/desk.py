"""The agents' desk on a terminal of its own, through the real hall: customers and a second agent by the API."""
import os
import re
import secrets
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.environ.get("top_srcdir") or os.path.realpath(os.path.join(os.path.dirname(__file__), "../..")), "tests/lib"))
import tap  # noqa: E402

os.environ.setdefault("top_srcdir", tap.top_srcdir)
import hall  # noqa: E402
import vt  # noqa: E402
from api import Client  # noqa: E402
from talk import Agent, Customer  # noqa: E402

SECONDS = 4
SETTINGS = {"log = {": f"limits = {{ address_rate = 0; certificate_rate = 0; query_rate = 0; }};\nchat = {{ answer_seconds = {SECONDS}; rate = 0; }};\nlog = {{"}
where = hall.Hall(certs=[("测试样票有限公司", "ec:P-256", -345, 20)], settings=SETTINGS)
where.script("staff")
client = Client(where)
env = dict(where.env("zh_CN", module=True, home=where.new_home()), SOFTHSM2_CONF=os.path.join(where.dir, "staff/softhsm2.conf"), CERTHALL_LOCALEDIR=None)
env = {name: value for name, value in env.items() if value is not None}


def press(screen, *keys):
    for key in keys:
        screen.type(key[1:]) if key.startswith('"') else screen.key(key)


def sign_in(holder, shown):
    screen = where.certhall("desk", env=env, cols=80, rows=24)
    screen.wait("测试客服甲（样票）", "测试督导甲（样票）")
    screen.wait_gone("正在读取")
    for _ in range(2):
        if not screen.find("> " + holder):
            screen.key("Down")
            screen.wait("> ")
    screen.wait("> " + holder)
    press(screen, "Enter")
    screen.wait("请输入密钥的 PIN 码")
    press(screen, '"' + hall.PIN, "Enter")
    screen.wait(shown)
    return screen


def bodies(customer, kind="text", side=None):
    return [m.get("body", "") for m in customer.history() if m["kind"] == kind and (side is None or m["side"] == side)]


def begin(text=None, **more):
    customer = Customer(client)
    customer.begun(language="zh_CN", **more)
    if text:
        customer.say(text).is_ok()
    return customer


def take(desk):
    desk.wait("按 F2 接入")
    desk.key("F2")
    desk.wait("客服甲（样票） 已接入会话")


desk = sign_in("测试客服甲（样票）", "我的会话 0/5")
first = None


@tap.test("a customer is offered with a ring and a countdown, taken, and both sides read each other")
def _():
    global first
    bells = desk.look()["bells"]
    first = begin("付款以后一直停在等待页面", topic="pay")
    desk.wait("等候 1", re.compile(r"\d 秒！"), "按 F2 接入")
    tap.check(desk.look()["bells"] > bells, "no ring")
    press(desk, "F2")
    desk.wait("已接入会话", "我的会话 1/5", "付款以后一直停在等待页面", "来自：费用支付")
    tap.equal(first.state()["state"], "talking")
    press(desk, '"您好，请稍等', "Enter")
    tap.seen(lambda: bodies(first, side="agent"), lambda texts: texts == ["您好，请稍等"])
    desk.wait(re.compile("我  已发送"))
    last = first.history()[-1]["seq"]
    first.mark(got=last, read=0)
    desk.wait(re.compile("我  已送达"))
    first.mark(got=last, read=last)
    desk.wait(re.compile("我  已读"))
    first.mark(typing=True)
    desk.wait("客户正在输入")
    tap.seen(first.state, lambda state: state["agent_read"] >= 1)


@tap.test("a canned answer by pinyin initials, a question of the help centre, a note the customer does not get")
def _():
    press(desk, "F4", '"qfsjc')
    desk.wait("请发送检测报告")
    press(desk, "Enter")
    desk.wait("> 请在本页用一个键把环境检测的报告发给我")
    press(desk, "Enter")
    tap.seen(lambda: bodies(first, side="agent"), lambda texts: len(texts) == 2 and texts[1].startswith("请在本页用一个键"))
    press(desk, "F5", '"zsgx')
    desk.wait("P01")
    press(desk, "Enter")
    tap.seen(lambda: bodies(first, "question"), lambda texts: len(texts) == 1 and texts[0].startswith("P01 "))
    press(desk, "F9")
    desk.wait("客户看不到")
    press(desk, '"内部说明', "Enter")
    desk.wait("内部说明")
    tap.equal(tap.seen(lambda: bodies(first, "note"), lambda texts: len(texts) == 1), [""])


second = Agent(client, name="测试客服乙")


@tap.test("what looks like a PIN is not sent, and stays to be changed")
def _():
    press(desk, '"PIN 是 123456', "Enter")
    desk.wait("Enter 确定")
    press(desk, "Enter")
    desk.wait("> PIN 是 123456")
    press(desk, "C-u")
    tap.equal([text for text in bodies(first) if "123456" in text], [])


@tap.test("handed over with a note to another agent, who gets both")
def _():
    second.be("online").is_ok()
    press(desk, "F7")
    desk.wait("下一位空闲的客服", "测试客服乙")
    press(desk, "Down", '"订单已核对', "Enter")
    desk.wait("我的会话 0/5")
    second.id = first.id
    tap.seen(second.desk, lambda seen: any(c["id"] == first.id and c.get("agent") == seen["agent"]["id"] for c in seen["conversations"]))
    second.taken(first.id)
    tap.equal([m["body"] for m in second.history() if m["kind"] == "note"], ["内部说明", "订单已核对"])
    tap.equal(first.state()["agent_name"], "测试客服乙")


@tap.test("who does not answer in time is passed over and told so, and the next agent is asked")
def _():
    customer = begin("没有人理我")
    desk.wait("按 F2 接入")
    desk.wait("您没有及时接入", timeout=SECONDS + 20)
    seen = tap.seen(second.desk, lambda seen: any(c["id"] == customer.id and c.get("agent") == seen["agent"]["id"] for c in seen["conversations"]))
    tap.check(seen["agent"]["name"] == "测试客服乙", seen["agent"])
    second.taken(customer.id)
    second.close().is_ok()
    second.be("away").is_ok()


@tap.test("the hall killed in a burst: order and number are exact on both sides")
def _():
    customer = begin("开始")
    take(desk)
    desk.wait("开始")
    said, answered = [f"c{i:02d}." for i in range(30)], [f"d{i:02d}." for i in range(10)]

    def burst():
        for text in said:
            message = secrets.token_hex(16)
            tap.seen(lambda: try_say(customer, text, message), bool)

    def try_say(party, text, message):
        try:
            return party.say(text, message=message).status in (200, 201)
        except OSError:
            return False

    thread = threading.Thread(target=burst)
    thread.start()
    for i, text in enumerate(answered):
        press(desk, '"' + text, "Enter")
        if i == 4:
            tap.seen(lambda: bodies(customer, side="agent"), lambda texts: len(texts) >= 1)
            where.service.stop(signal.SIGKILL)
            where.service.start()
    thread.join(60)
    messages = tap.seen(lambda: customer.history(), lambda seen: len([m for m in seen if m["side"] != "hall"]) >= 41, 60)
    tap.equal([m["seq"] for m in messages], list(range(1, len(messages) + 1)))
    tap.equal([m["body"] for m in messages if m["side"] == "customer"], ["开始"] + said)
    tap.equal([m["body"] for m in messages if m["side"] == "agent"], answered)
    desk.resize(80, 130)
    desk.wait("c29.", "d09.")
    desk.wait_for(lambda: [m["body"] for m in messages if m["side"] != "hall"] == re.findall(r"│ [ >] (开始|[cd]\d\d\.)", "\n".join(desk.state["rows"])), "the same order on the screen")
    desk.resize(80, 24)
    press(desk, "F8")
    desk.wait("要结束这个会话吗")
    press(desk, "2", "Enter")
    desk.wait("这个会话已结束")
    tap.equal(customer.state()["state"], "closed")


@tap.test("ended while the hall is away: what the agent wrote arrives before the end")
def _():
    customer = begin("再问一句")
    take(desk)
    desk.wait("再问一句")
    where.service.stop(signal.SIGKILL)
    press(desk, '"' + "last words", "Enter", "F8")
    desk.wait("要结束这个会话吗")
    press(desk, "2", "Enter")
    desk.wait_gone("要结束这个会话吗")
    where.service.start()
    tap.seen(lambda: customer.state()["state"], lambda state: state == "closed")
    tap.equal(bodies(customer, side="agent"), ["last words"])


@tap.test("a message that was left: called back, and marked as done")
def _():
    customer = Customer(client)
    customer.begun(language="zh_CN", callback="13800000000", text="请回电")
    desk.wait("留言 1")
    for _ in range(4):
        if not desk.find(re.compile("请回电：13800000000")):
            desk.key("Down")
            desk.quiet()
    desk.wait("由我回电")
    press(desk, "Enter")
    desk.wait("按 F8 标记为已处理")
    press(desk, "F8", "2", "Enter")
    desk.wait_gone("留言 1")
    tap.equal(customer.state()["state"], "closed")


HOSTILE = ["\x1b[2J\x1b[H被清屏", "\x1b]0;title\x07铃", "\x9b31m红", "‮反向‬⁦⁩", "e" + "́" * 1300, "\x00\x01\x02零", "﻿​宽", "\x1b[?1049l", "\x1bP0;0|q\x1b\\", "󠁁标签"]


def refused(customer, body):
    try:
        return customer.say(body).status in (400, 413, 422)
    except OSError:  # cut before all of it was sent
        return True


@tap.test("200 hostile messages leave the screen as it should be")
def _():
    customer = begin("你好")
    take(desk)
    desk.wait("你好")
    bells = desk.look()["bells"]
    for i in range(197):
        body = f"h{i:03d}. " + HOSTILE[i % len(HOSTILE)]
        answer = customer.say(body)
        answer.is_problem(422, "invalid-field", "body") if "\x00" in body else answer.is_ok()
    for body in ("a" + "́" * 10000, "大" * 350000):
        tap.check(refused(customer, body), "a message too long was taken")
    broken = b'{"id":"' + secrets.token_hex(16).encode() + b'","kind":"text","body":"\xff\xfe\xc0\x80"}'
    tap.check(client.post(customer.path("/messages"), body=broken, token=customer.token).status in (200, 201, 400, 422), "broken UTF-8")
    customer.say("最后一条").is_ok()
    desk.wait("最后一条")
    state = desk.look()
    rows = desk.rows()
    tap.equal((state["bells"], state["altscreen"], state["title"]), (bells, True, desk.state["title"]))
    tap.check("客服工作台 - 客服甲（样票）（在线）" in rows[0] and "F1 Ctrl-G 帮助" in rows[-1], rows)
    tap.equal({row[29:30] for row in rows[2:3]} | {"│"}, {"│", rows[2][29:30]})
    for row in rows:
        tap.check(not re.search("[\x00-\x1f\x7f-\x9f‪-‮⁦-⁩​﻿\U000e0000-\U000e007f]", row), repr(row))
    before = desk.text()
    desk.key("C-l")
    desk.quiet()
    tap.equal(desk.text(), before)
    press(desk, "F8", "2", "Enter")
    desk.wait("这个会话已结束")


@tap.test("a supervisor reads all of it, agents too, and cannot write")
def _():
    customer = begin("督导看得到吗")
    take(desk)
    with sign_in("测试督导甲（样票）", "（督导）") as reader:
        reader.wait("督导只查看，不发言。", "进行中 2")
        if not reader.find("督导看得到吗"):
            reader.key("Down")
        reader.wait("督导看得到吗", "客服甲（样票）")
        press(reader, '"插话', "Enter")
        reader.key("F3")
        reader.wait("测试客服乙：离开")
        press(reader, "Enter", "F10")
        reader.wait("要离开工作台吗")
        press(reader, "2", "Enter")
        tap.equal(reader.exit_status(), 0)
    tap.equal(bodies(customer), ["督导看得到吗"])


@tap.test("whose certificate is not an agent's is told so")
def _():
    with where.certhall("desk", env=where.env("en", module=True)) as stranger:
        stranger.wait("Enter the key's PIN")
        press(stranger, '"' + hall.PIN, "Enter")
        stranger.wait("not an agent's")


@tap.test("leaving asks; the hall knows at once, and the customer waits again")
def _():
    press(desk, "F10")
    desk.wait("要离开工作台吗", "您正在接待 1 位客户")
    press(desk, "2", "Enter")
    tap.equal(desk.exit_status(), 0)
    states = {agent["name"]: agent["state"] for agent in second.desk()["agents"]}
    tap.equal(states["客服甲（样票）"], "offline")


tap.run()
