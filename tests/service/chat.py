"""Live service as the hall keeps it: who may say what to whom, in which order, and who answers."""
import os
import secrets
import signal
import sys

sys.path.insert(0, os.path.join(os.environ.get("top_srcdir") or os.path.realpath(os.path.join(os.path.dirname(__file__), "../..")), "tests/lib"))
import tap  # noqa: E402

os.environ.setdefault("top_srcdir", tap.top_srcdir)
import hall  # noqa: E402
from api import Certificate, Client, Holder  # noqa: E402
from talk import Agent, Customer, Events  # noqa: E402

SETTINGS = {"log = {": "limits = { address_rate = 0; certificate_rate = 0; query_rate = 0; };\nchat = { answer_seconds = 2; rate = 0; waiting = 6; };\nlog = {"}
where = hall.Hall(certs=[("测试样票有限公司", "ec:P-256", -345, 20)], settings=SETTINGS)
client = Client(where)


def offered(agent, conversation):
    return tap.seen(agent.desk, lambda desk: [c for c in desk["conversations"] if c["id"] == conversation and c.get("agent") == agent.desk()["agent"]["id"]])


def texts(messages, side=None):
    return [m["body"] for m in messages if m["kind"] == "text" and (side is None or m["side"] == side)]


@tap.test("nobody on duty: said at once, and a message can be left with a number")
def _():
    tap.equal(client.get("/v1/service").is_ok()["agents"], [])
    Customer(client).begin().is_problem(409, "chat-nobody")
    customer = Customer(client)
    customer.begin(callback="12", text="请回电").is_problem(422, "invalid-field", "callback")
    customer.begin(callback="13800000000", text="").is_problem(422, "invalid-field", "text")
    left = customer.begun(callback="13800000000", text="证书更新时没有收到验证码，我的手机 13800000000")
    tap.equal((left["state"], left.get("callback", "")), ("left", ""))
    tap.equal(texts(customer.history()), ["证书更新时没有收到验证码，我的手机 138****0000"])


agent = Agent(client)


@tap.test("an agent: only who is registered, and only with the key")
def _():
    stranger = Agent(client, name="测试路人", known=False)
    stranger.be("online").is_problem(403, "staff-only")
    client.get("/v1/desk", token="0" * 64).is_problem(401, "session-needed")
    desk = agent.be("online").is_ok()
    tap.equal((desk["agent"]["name"], desk["agent"]["state"], desk["agent"]["role"]), ("测试客服甲", "online", "agent"))
    on_duty = client.get("/v1/service").is_ok()["agents"]
    tap.equal([(a["name"], a["state"], a["serving"]) for a in on_duty], [("测试客服甲", "online", 0)])
    left = [c for c in desk["conversations"] if c["state"] == "left"]
    tap.equal([c["callback"] for c in left], ["13800000000"])
    tap.equal(agent.taken(left[0]["id"])["state"], "left")
    tap.equal(agent.close().is_ok()["state"], "closed")


@tap.test("a conversation: offered, taken, said in both directions, read, ended and rated")
def _():
    customer = Customer(client)
    tap.equal(customer.begun(topic="pay", language="zh_CN")["state"], "waiting")
    stream = Events(client, customer.path("/events"), customer.token)
    offered(agent, customer.id)
    tap.equal(agent.taken()["id"], customer.id)
    stream.wait_for(lambda kind, data: kind == "conversation" and data["state"] == "talking" and data["agent_name"] == "测试客服甲")
    desk = Events(client, "/v1/desk/events", agent.token)
    sent = customer.say("你好\n第二行").is_ok()
    desk.wait_for(lambda kind, data: kind == "desk" and any(c["id"] == customer.id and c["last_seq"] == sent["seq"] for c in data["conversations"]))
    answer = agent.say("您好，请讲").is_ok()
    stream.wait_for(lambda kind, data: data.get("last", {}).get("seq") == answer["seq"])
    customer.mark(got=answer["seq"], read=answer["seq"])
    desk.wait_for(lambda kind, data: any(c["id"] == customer.id and c["customer_read"] == answer["seq"] for c in data["conversations"]))
    customer.mark(typing=True)
    desk.wait_for(lambda kind, data: kind == "typing" and data == {"conversation": customer.id, "side": "customer"})
    agent.mark(typing=True)
    stream.wait_for(lambda kind, data: kind == "typing" and data["side"] == "agent")
    tap.equal(texts(customer.history()), ["你好\n第二行", "您好，请讲"])
    tap.equal([m["seq"] for m in customer.history()], list(range(1, len(customer.history()) + 1)))
    tap.equal(customer.close(rating=5).is_ok()["state"], "closed")
    stream.wait_for(lambda kind, data: data.get("state") == "closed")
    customer.say("还有").is_problem(409, "chat-closed")
    agent.say("再见").is_problem(409, "chat-closed")
    customer.close(rating=1).is_ok()
    tap.equal(customer.state()["rating"], 5)
    desk.close()
    stream.close()


@tap.test("the same message again is kept once, and answered as it was kept")
def _():
    customer = Customer(client)
    customer.begun()
    agent.taken(customer.id)
    same = secrets.token_hex(16)
    first = customer.say("第一次", message=same).is_ok()
    tap.equal(customer.say("第一次", message=same).is_ok(), first)
    agent.close().is_ok()
    tap.equal(customer.say("第一次", message=same).is_ok(), first, "also when it is over")
    tap.equal(len(texts(customer.history())), 1)


@tap.test("the same request, or the same certificate, gives the same conversation; the key goes on elsewhere")
def _():
    person = Holder(client, Certificate(where))
    session = person.login()["token"]
    request = secrets.token_hex(16)
    one, again, elsewhere = Customer(client), Customer(client), Customer(client)
    begun = one.begun(session, request=request)
    tap.equal(begun["holder"], "测试样票有限公司")
    tap.equal(again.begun(session, request=request)["id"], one.id)
    one.say("在这台电脑上").is_ok()
    tap.equal(elsewhere.begun(session)["id"], one.id)
    tap.equal(texts(elsewhere.history()), ["在这台电脑上"])
    by_key = Customer(client, session)
    by_key.id = one.id
    tap.equal(texts(by_key.history()), ["在这台电脑上"])
    other = Customer(client)
    other.begun()
    other_id, other.id = other.id, one.id
    other.say("偷看").is_problem(401, "session-needed")
    other.id = other_id
    stranger = Customer(client, Holder(client, Certificate(where, name="测试乙有限公司（样票）")).login()["token"])
    stranger.id = one.id
    stranger.say("冒充").is_problem(404, "chat-none")
    one.close().is_ok()
    other.close().is_ok()


@tap.test("a certificate outside its time of renewal may sign in for service, and cannot order")
def _():
    early = Agent(client, name="测试丙有限公司（样票）", days=(-10, 300), known=False)
    customer = Customer(client)
    customer.begun(early.token)
    customer.close().is_ok()
    from api import APPLICANT
    client.post("/v1/orders", {"applicant": APPLICANT, "acknowledged": True}, token=early.token).is_problem(403, "renewal-too-early")
    Holder(client, early.certificate).try_login().is_problem(403, "renewal-too-early")


@tap.test("numbers of identity and phones are masked, what looks like a PIN is refused, notes are not for customers")
def _():
    customer = Customer(client)
    customer.begun()
    agent.taken(customer.id)
    customer.say("身份证 11010519491231002X，手机 １３８００００００００").is_ok()
    for pin in ("12345678", "PIN 是 a1b2c3", "密码：8888", "my pin is 2468"):
        customer.say(pin).is_problem(422, "chat-pin")
    agent.say("内部：此客户已核实", kind="note").is_ok()
    customer.say("x", kind="note").is_problem(422, "invalid-field", "kind")
    agent.say("x", kind="report").is_problem(422, "invalid-field", "kind")
    tap.equal(texts(customer.history()), ["身份证 110105********002X，手机 138****0000"])
    tap.equal([m.get("body", "") for m in customer.history() if m["kind"] == "note"], [""])
    tap.equal([m["body"] for m in agent.history() if m["kind"] == "note"], ["内部：此客户已核实"])
    customer.close().is_ok()


@tap.test("hostile text is kept clean, and what is too large or broken is refused")
def _():
    customer = Customer(client)
    customer.begun()
    agent.taken(customer.id)
    customer.say("\x1b]0;owned\x07A\x1b[2J\u202eB\u200b\x9bC\r\nD" + "e" + "\u0301" * 200).is_ok()
    body = texts(agent.history())[0]
    tap.check(not any(c in body for c in "\x1b\x07\u202e\u200b\x9b\r"), repr(body))
    tap.check(body.count("\u0301") <= 4, "combining marks")
    customer.say("长" * 1366).is_problem(422, "invalid-field", "body")
    client.call("POST", customer.path("/messages"), token=customer.token, body=b"x" * 66000).is_problem(413, "too-large")
    try:
        client.call("POST", customer.path("/messages"), token=customer.token, body=b"x" * (1 << 20)).is_problem(413, "too-large")
    except OSError:
        pass  # cut before all of it was sent
    bad = b'{"id":"' + secrets.token_hex(16).encode() + b'","kind":"text","body":"\xff\xfe\xc0\x80 ok"}'
    answer = client.call("POST", customer.path("/messages"), token=customer.token, body=bad)
    tap.check(answer.status in (200, 400, 422), f"{answer.status}")
    customer.say("   \n ").is_problem(422, "invalid-field", "body")
    tap.equal(len(texts(customer.history())), 1 + (answer.status == 200))
    customer.close().is_ok()


@tap.test("one who does not answer in time is passed over, and who has gone leaves nobody behind")
def _():
    second = Agent(client, name="测试客服乙")
    second.be("online").is_ok()
    customer = Customer(client)
    wanted = second.desk()["agent"]["id"]
    customer.begun(agent=wanted)
    offered(second, customer.id)
    offered(agent, customer.id)
    second.take(customer.id).is_problem(409, "chat-taken")
    agent.taken(customer.id)
    second.id = customer.id
    second.say("插话").is_problem(409, "chat-taken")
    agent.client.post(customer.path("/transfer"), {"agent": wanted, "note": "请核对订单"}, token=agent.token).is_ok()
    tap.equal(second.taken(customer.id)["agent_name"], "测试客服乙")
    tap.equal([m["kind"] for m in second.history()], ["joined", "note", "transferred", "joined"])
    agent.say("已转").is_problem(409, "chat-taken")
    second.be("offline").is_ok()
    offered(agent, customer.id)
    agent.taken(customer.id)
    agent.close().is_ok()
    agent.client.post(customer.path("/transfer"), {}, token=agent.token).is_problem(409, "chat-closed")


@tap.test("busy agents get nothing new; the queue has places and an end")
def _():
    agent.be("busy").is_ok()
    waiting = [Customer(client) for _ in range(6)]
    for place, customer in enumerate(waiting):
        tap.equal(customer.begun()["position"], place + 1)
    Customer(client).begin().is_problem(503, "net-overloaded")
    tap.equal(client.get("/v1/service").is_ok()["waiting"], 6)
    waiting[0].ask("/leave", {"callback": "0351-1234567", "text": "不等了"}).is_ok()
    tap.equal(waiting[1].state()["position"], 1)
    waiting[0].ask("/leave", {"callback": "0351-1234567", "text": "不等了"}).is_problem(409, "chat-closed")
    agent.be("online").is_ok()
    tap.equal(agent.taken()["id"], waiting[1].id)
    for customer in waiting[1:]:
        customer.close().is_ok()


@tap.test("a supervisor reads everything and says nothing")
def _():
    boss = Agent(client, name="测试班长", role="supervisor")
    customer = Customer(client)
    customer.begun()
    agent.taken(customer.id)
    customer.say("问题").is_ok()
    tap.check(customer.id in [c["id"] for c in boss.be("online").is_ok()["conversations"]], "not seen")
    tap.check("测试班长" not in [a["name"] for a in client.get("/v1/service").is_ok()["agents"]], "a supervisor is offered to customers")
    boss.id = customer.id
    tap.equal(texts(boss.history()), ["问题"])
    boss.say("我来说").is_problem(403, "chat-read-only")
    boss.take(customer.id).is_problem(403, "chat-read-only")
    boss.close().is_problem(403, "chat-read-only")
    boss.mark(read=99)
    tap.equal(customer.state()["agent_read"], 0)
    customer.close().is_ok()


@tap.test("killed in a burst: what was answered is there, once and in order, and the streams go on")
def _():
    customer = Customer(client)
    customer.begun()
    agent.taken(customer.id)
    said = []
    for n in range(60):
        message = secrets.token_hex(16)
        if n % 20 == 10:
            where.service.stop(signal.SIGKILL)
            where.port = where.service.start()
        customer.say(f"第 {n} 条", message=message).is_ok()
        customer.say(f"第 {n} 条", message=message).is_ok()
        said.append(f"第 {n} 条")
    agent.be("online").is_ok()
    tap.equal(texts(customer.history()), said)
    tap.equal(texts(agent.history()), said)
    tap.equal([m["seq"] for m in agent.history()], list(range(1, 62)))
    customer.close().is_ok()


@tap.test("the log of what was done names no one's words, and the operator sees and removes agents")
def _():
    done = where.run([tap.built("certhalld"), "agent", "list", "--config", os.path.join(where.dir, "certhalld.conf")])
    tap.contains(done.stdout, "测试客服甲")
    identity = agent.desk()["agent"]["id"]
    where.run([tap.built("certhalld"), "agent", "remove", "--config", os.path.join(where.dir, "certhalld.conf"), identity])
    agent.be("online").is_problem(403, "staff-only")
    actions = {action for action, in where.rows("SELECT action FROM audit")}
    tap.check({"chat.begun", "chat.taken", "chat.closed", "chat.left", "chat.transferred", "agent.added", "agent.removed"} <= actions, f"{actions}")
    told = "".join(details for details, in where.rows("SELECT details FROM audit WHERE action LIKE 'chat.%'"))
    tap.check(not any(personal in told for personal in ("测试", "13800000000", "138****0000")), told)
    tap.equal(where.rows("SELECT count(*) FROM message m WHERE seq > (SELECT last_seq FROM conversation c WHERE c.id = m.conversation)"), [(0,)])


tap.run()
