"""在线客服 from the customer's terminal: two people at once through a real hall, what breaks between, and going on elsewhere."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import chaos  # noqa: E402
import walk  # noqa: E402
from walk import Walk, hall, tap  # noqa: E402
from api import Client  # noqa: E402
from talk import Agent, Customer  # noqa: E402

HOLDER = "测试样票有限公司"
BURST = 12
PIN_SAID = "This looks like a PIN, so it was not sent. Nobody needs your PIN; never tell it to anyone."
LINE_BROKEN = "The line is broken. Go on writing: all is sent when it stands again."
ANONYMOUS_LEAVING = "A conversation with the service is under way. No key was shown, so it cannot be gone on with once you leave."
KEY_LEAVING = "The conversation with the service stays with the hall: with your key you can go on with it at any computer."
where = hall.Hall(certs=[(HOLDER, "ec:P-256", -345, 20)], settings={
    "log = {": "limits = { address_rate = 0; certificate_rate = 0; query_rate = 0; };\nchat = { rate = 0; };\nlog = {"})
client = Client(where)


class Person(Walk):
    """A customer at a terminal of their own."""

    def __init__(self, lang="zh_CN", home=None, **size):
        self.folder = os.path.join(home or os.path.join(where.dir, "home"), "certhall-chats")
        super().__init__(where, lang, module=True, home=home, **size)

    def service(self):
        """To who is on duty, when the key has been read."""
        self.home()
        self.screen.wait(HOLDER)
        self.key("F4")
        self.title("Online service")

    def begin(self):
        self.see("The next free agent")
        self.key("Enter")
        self.see("Write here; Enter sends")

    def show_key(self):
        self.see("You are anonymous. F7 shows your key first: then the agent sees whose it is, and you can go on at another computer.")
        self.key("F7")
        self.pin(hall.PIN)
        self.see("The agent sees your certificate: %s")

    def write(self, text):
        self.screen.type(text)
        self.key("Enter")

    def transcript(self):
        """Saved by the person; the text."""
        before = set(os.listdir(self.folder)) if os.path.isdir(self.folder) else set()
        self.key("F7")
        self.see("The file to save the conversation as (one that does not exist yet); Tab completes:")
        self.key("Backspace", "Backspace", "Backspace", "Backspace")
        self.screen.type(f"-{len(before)}.txt")
        self.key("Enter")
        self.see("The conversation was saved as %s.")
        (name,) = set(os.listdir(self.folder)) - before
        tap.equal(os.stat(os.path.join(self.folder, name)).st_mode & 0o777, 0o600)
        with open(os.path.join(self.folder, name)) as file:
            return file.read()

    def mark(self, text, mark):
        """Waits until one's own message of that text, the only one, has the mark in the row above it."""
        word = re.compile(r" " + re.escape(self.say("message\004" + mark) if self.lang == "zh_CN" else mark) + "$")

        def holds():
            rows = [row.rstrip() for row in self.screen.state["rows"]]
            return any(rows[i] == "  > " + text and word.search(rows[i - 1]) for i in range(1, len(rows)))
        self.screen.wait_for(holds, f"{text}: {mark}")


def taken(agent):
    """The conversation that waits longest, once there is one."""
    tap.seen(lambda: client.get("/v1/service").is_ok()["waiting"], lambda waiting: waiting > 0)
    return agent.taken()


def bodies(messages, side):
    return [m["body"] for m in messages if m["kind"] == "text" and m["side"] == side]


def spoken(transcript):
    """What was said by either side, line by line."""
    return re.findall(r"(?m)^\d{4}-\d\d-\d\d .*:\n(.*)$", transcript)


@tap.test("nobody on duty: a message is left with a number, and the agents have it")
def _():
    with Person() as person:
        person.service()
        person.see("No agent is on duty just now. Leave a message, and somebody will call you back; or call %s.")
        person.key("Enter")
        person.title("Leave a message")
        person.screen.type("1380000")
        person.key("Enter")
        person.screen.type("0000")
        person.key("Enter")
        person.screen.paste("证书更新时\n没有收到通知")
        person.key("F2")
        person.see("Your message has been left. Somebody will call %s.")
        person.screen.wait("13800000000")
    agent = Agent(client, "测试零号", role="supervisor")
    left = [c for c in agent.desk()["conversations"] if c["state"] == "left"]
    tap.equal([c["callback"] for c in left], ["13800000000"])
    agent.id = left[0]["id"]
    tap.equal(bodies(agent.history(), "customer"), ["证书更新时\n没有收到通知"])


first, second = Agent(client, "测试一号"), Agent(client, "测试二号")


@tap.test("two people talk to two agents at once: marks, masking, a PIN refused, the report, unread elsewhere, rating, transcript")
def _():
    first.be("online").is_ok()
    with Person() as one, Person("en", home=where.new_home(), cols=60, rows=20) as two:
        one.service()
        one.begin()
        one.see("Place %d in the queue, waiting for %s")
        taken(first)
        second.be("online").is_ok()
        two.service()
        two.begin()
        taken(second)
        first.say("您好，测试一号")
        one.screen.wait("您好，测试一号")
        one.write("你好，我的手机是13800000000")
        one.mark("你好，我的手机是138****0000", "sent")
        last = tap.seen(first.state, lambda c: c["last_seq"] == 3)["last_seq"]
        first.mark(got=last)
        one.mark("你好，我的手机是138****0000", "delivered")
        first.mark(read=last)
        one.mark("你好，我的手机是138****0000", "read")
        first.mark(typing=True)
        one.see("%s is typing...")
        tap.seen(first.state, lambda c: c["customer_read"] == 2)

        second.say("第一行\n\033[31m第二行\u202e")
        two.screen.wait("第一行", "第二行")
        two.write("hello 测试二")
        two.mark("hello 测试二", "sent")

        one.write("密码是12345678")
        one.see(PIN_SAID)
        one.screen.wait("密码是12345678")  # it stays to be mended
        one.key("C-u")
        one.key("F5")
        one.see("Send this report?")
        one.screen.wait("certhall 0.")
        one.screen.wait(re.compile("F2 Enter"))
        one.key("Enter")
        one.screen.wait(re.compile(r"> \[环境检测报告"))
        report = tap.seen(first.history, lambda messages: [m for m in messages if m["kind"] == "report"])[-1]
        tap.contains(report["body"], "certhall 0.")
        tap.check(hall.PIN not in report["body"], report["body"])

        one.key("Esc")
        one.home()
        first.say("请稍等")
        one.screen.wait("在线客服 1 条新消息")
        tap.equal(first.state()["customer_read"], 2)
        one.key("C-c")
        one.see(ANONYMOUS_LEAVING)
        one.key("Esc")
        one.screen.wait_gone(one.say("Leave the program?"))
        one.key("C-o")
        one.screen.wait("请稍等")
        tap.seen(first.state, lambda c: c["customer_read"] == 5)

        one.key("F8")
        one.see("End the conversation?")
        one.key("2", "Enter")
        one.see("How was the service? Press 1 (bad) to 5 (very good).")
        one.key("5")
        one.see("You have given %d of %d. Thank you.")
        tap.equal((first.state()["state"], first.state()["rating"]), ("closed", 5))
        text = one.transcript()
        for part in ("您好，测试一号", "138****0000", "请稍等", "certhall 0."):
            tap.contains(text, part)
        tap.check("12345678" not in text)

        second.close().is_ok()
        two.see("The conversation has ended.")
        two.key("9", "3")  # not a rating, then one
        two.see("You have given %d of %d. Thank you.")
        tap.equal(second.state()["rating"], 3)
        tap.equal((bodies(first.history(), "customer"), bodies(second.history(), "customer")), (["你好，我的手机是138****0000"], ["hello 测试二"]))


@tap.test("the hall is killed in a burst: every message is there once, in order, on both sides")
def _():
    first.be("online").is_ok()
    second.be("offline")
    with Person(rows=60) as person:
        person.service()
        person.begin()
        taken(first)
        said = [f"客户第{i}条" for i in range(1, 2 * BURST + 1)]
        for text in said[:BURST]:
            person.write(text)
        where.service.stop(signal.SIGKILL)
        person.see(LINE_BROKEN)
        for text in said[BURST:]:
            person.write(text)
        person.mark(said[-1], "sending")
        where.service.start()
        person.mark(said[-1], "sent")
        answers = [f"客服第{i}条" for i in range(1, BURST + 1)]
        for text in answers:
            first.say(text)
        person.screen.wait(answers[-1])
        person.screen.wait_gone(person.say(LINE_BROKEN)[:8])
        tap.equal(bodies(first.history(), "customer"), said)
        tap.equal(spoken(person.transcript()), said + answers)
        first.close().is_ok()


@tap.test("with the key it is gone on with at another terminal: nothing is missing, nothing is there twice")
def _():
    first.be("online").is_ok()
    with Person() as person:
        person.service()
        person.show_key()
        person.begin()
        tap.equal(taken(first)["holder"], HOLDER)
        first.say("请换一台电脑")
        person.screen.wait("请换一台电脑")
        person.write("好的，测试")
        person.mark("好的，测试", "sent")
        person.screen.signal(signal.SIGKILL)
        person.screen.exit_status()
    first.say("您到了吗")
    with Person(home=where.new_home()) as person:
        person.service()
        person.show_key()
        person.begin()
        person.screen.wait("请换一台电脑", "> 好的，测试", "您到了吗")
        person.write("到了，测试")
        person.mark("到了，测试", "sent")
        messages = first.history()
        tap.equal(bodies(messages, "customer"), ["好的，测试", "到了，测试"])
        tap.equal([m["seq"] for m in messages], list(range(1, len(messages) + 1)))
        person.key("C-c")
        person.see(KEY_LEAVING)
        person.key("2", "Enter")
        tap.equal(person.screen.exit_status(), 0)
    first.close().is_ok()


@tap.test("a payment that arrives while one talks takes neither the conversation away nor what is being written")
def _():
    first.be("online").is_ok()
    with Person() as person:
        person.home()
        person.check_environment()
        person.choose(HOLDER)
        person.pin(hall.PIN)
        person.details()
        number, link = person.payment()
        person.key("F4")
        person.see("The agent sees your certificate: %s")
        person.begin()
        tap.equal((taken(first)["holder"], first.state()["topic"]), (HOLDER, "pay"))
        person.screen.type("还没写完，测试")
        walk.pay_in_browser(link)
        for _ in range(50):  # until the program has heard of it
            person.key("F6")
            person.see("Send this order number?")
            person.screen.wait(number)
            paid = person.screen.find(person.say("paid, not installed yet"))
            person.key("1" if paid else "2", "Enter")
            person.screen.wait_gone(person.say("Send this order number?"))
            if paid:
                break
        sent = tap.seen(first.history, lambda messages: messages[-1]["kind"] == "order")[-1]["body"]
        tap.equal(sent, number + " " + person.say("paid, not installed yet"))
        person.screen.wait("还没写完，测试")
        person.key("Esc")
        person.title("Install certificate")
    first.close().is_ok()


@tap.test("the line is slow, sliced, cut and reset while two people talk: order and count are exact on both sides")
def _():
    first.be("online").is_ok()
    with chaos.Proxy(where.port) as line:
        where.through(line.port)
        with Person() as one, Person(home=where.new_home()) as two:
            one.service()
            one.begin()
            taken(first)
            second.be("online").is_ok()
            two.service()
            two.begin()
            taken(second)
            talks = [(one, first, [], []), (two, second, [], [])]
            harm = [line.cut, lambda: line.set(slice=11, pause=0.001), line.reset, lambda: line.set(latency=0.05), lambda: line.at(line.passed + 1500, line.reset), line.clear]
            for i in range(1, BURST + 1):
                harm[i % len(harm)]()
                for number, (person, agent, asked, answered) in enumerate(talks, 1):
                    asked.append(f"{number} 问 {i}")
                    answered.append(f"{number} 答 {i}")
                    person.write(asked[-1])
                    agent.say(answered[-1]).is_ok()
            line.clear()
            for person, agent, asked, answered in talks:
                person.mark(asked[-1], "sent")
                said = tap.seen(agent.history, lambda messages: len(messages) >= 1 + 2 * BURST)
                tap.equal((bodies(said, "customer"), bodies(said, "agent")), (asked, answered))
                tap.seen(agent.state, lambda c: c["customer_read"] == max(m["seq"] for m in said if m["side"] == "agent"))
                tap.equal(spoken(person.transcript()), [m["body"] for m in agent.history() if m["kind"] == "text"])
                agent.close().is_ok()
                person.see("The conversation has ended.")
        where.through(where.port)


tap.run()
