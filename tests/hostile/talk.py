"""A hall that speaks to a customer in words made to move the terminal: nothing of them is written but what can be seen, on any page and in the
transcript; a hall that lies about what it said is not asked without a pause."""
import contextlib
import json
import os
import queue
import re
import sys
import time

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests/journey"))
import hall
import hostile_hall
import tap
import walk

HOLDER = "测试样票有限公司"
# What each would do: paint, wipe, name the window, fill the clipboard, link, answer, the same by C1; and what moves text or hides it.
FUNCTIONS = ["\x1b[5;31;7m", "\x1b[2J\x1b[7;7H", "\x1b]0;PWNED\x07", "\x1b]52;c;UFdORUQ=\x07", "\x1b]8;;https://evil.example.test/\x1b\\", "\x1bP$q\"p\x1b\\", "\x1b_APC\x1b\\",
             "\x9b31m", "\x9d52;c;UFdORUQ=\x9c", "\x90q\x9c", "\x1bc", "\x1b[?1049l", "\x1b[5n", "\x0e", "\x07\b\r\t\v\f\x7f"]
HIDDEN = ["\u202e\u202d\u2066\u2067\u2068\u2069\u202c", "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f", "\U000e0001\U000e0041\U000e007f", "\ue000\U000f0000", "\u2028\u2029\x85"]
FLOOD = "e" + "\u0301" * 1500
EVIL = "".join(FUNCTIONS + HIDDEN)
MARKS_MOST = 4 # on one character
NAME = "客\x1b[5m\u202e\x9b7m\n服" # agents' names have no room for all
SEEN_NAME = "客[5m7m服"

where = hall.Hall(certs=[(HOLDER, "ec:P-256", -345, 20)])
proxy = hostile_hall.Proxy(where, timeout=20)
RAW = os.path.join(where.dir, "run/raw")


def moment(seconds=0):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


class Service:
    """The hall's side of one conversation, which says whatever it is told to."""

    def __init__(self):
        self.messages, self.revision, self.fields, self.events = [], 0, {}, queue.Queue()
        self.last_seq, self.read = None, 0 # a lie about it; what the customer has seen
        agents = [{"id": "a1", "name": NAME, "role": "agent", "state": "online", "serving": 0, "most": 3},
                  {"id": "a2\x1b[5m", "name": FLOOD[:20] + NAME, "role": "agent", "state": "away", "serving": 2147483647, "most": 2147483647}]
        self.rules = [proxy.answer("GET /v1/service", lambda h: h.send(200, {"time": moment(), "waiting": 2147483647, "answer_seconds": 60, "agents": agents})),
                      proxy.answer("POST /v1/conversations", lambda h: h.send(201, self.conversation(token="t\x1b[5m" + "a" * 40))),
                      proxy.answer(".*/events", self.stream), proxy.answer(".*/history", self.history), proxy.answer(".*/messages", self.take),
                      proxy.answer(".*/marks", self.mark), proxy.answer(".*/close", lambda h: h.send(200, self.closed()))]

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        for rule in self.rules:
            self.stack.enter_context(rule)
        return self

    def __exit__(self, *error):
        self.events.put(None)
        self.stack.close()

    def conversation(self, **more):
        self.revision += 1
        now = {"id": "c1", "state": "waiting", "revision": self.revision, "time": moment(), "topic": "home" + NAME, "language": "en\x1b", "wanted": NAME, "agent": "a1\x1b[5m",
               "agent_name": NAME, "created": moment(), "since": moment(), "last_seq": len(self.messages) if self.last_seq is None else self.last_seq, "customer_got": 0,
               "customer_read": 0, "agent_got": 0, "agent_read": 0, "position": 3, "on_duty": 2, "rating": 0, **self.fields, **more}
        if self.messages:
            now["last"] = self.messages[-1]
        return now

    def stream(self, handler):
        self.events.put(None) # of the stream before
        events = self.events = queue.Queue()
        handler.head(200, "text/event-stream")
        self.tell()
        for data in iter(events.get, None):
            handler.wfile.write(data)
            handler.wfile.flush()

    def event(self, document, kind=b"conversation"):
        self.events.put(b"event: " + kind + b"\ndata: " + (document if isinstance(document, bytes) else json.dumps(document).encode()) + b"\n\n")

    def tell(self, **fields):
        self.fields.update(fields)
        self.event(self.conversation())

    def history(self, handler):
        after = json.loads(handler.body)["after"]
        handler.send(200, {"last_seq": len(self.messages), "messages": [m for m in self.messages if m["seq"] > after][:32]})

    def say(self, body, kind="text", side="agent", author=NAME, tell=True, **more):
        seq = len(self.messages) + 1
        self.messages.append({"seq": seq, "id": f"{seq:032x}", "side": side, "kind": kind, "author": author, "at": moment(), "body": body, **more})
        if tell:
            self.tell()

    def take(self, handler):
        told = json.loads(handler.body)
        self.say(told["body"] + EVIL, side="customer", author="", tell=False, id=told["id"])
        handler.send(201, self.messages[-1])

    def mark(self, handler):
        self.read = max(self.read, json.loads(handler.body)["read"])
        handler.head(204, None)

    def closed(self):
        self.fields["state"] = "closed"
        return self.conversation()


class Customer(walk.Walk):
    def __init__(self):
        super().__init__(where, "en", module=True, rows=40)
        self.screen.close()
        self.screen = where.certhall(env=where.env("en", module=True), rows=40, raw=RAW)
        self.bells = None

    def begin(self):
        self.home()
        self.screen.wait(HOLDER, "Renewable now")
        self.bells = self.screen.look()["bells"]
        self.key("F4")
        self.title("Online service")
        self.screen.wait("The next free agent", SEEN_NAME, "2147483647 wait before you")
        self.key("Enter")
        self.see("Write here; Enter sends")

    def __exit__(self, *error):
        if error[0] is None:
            self.unmoved()
        super().__exit__(*error)

    def read_all(self, service):
        while service.read < len(service.messages):
            self.screen.quiet(0.01)

    def unmoved(self):
        """What was written and what stands there is the program's own and can be seen."""
        self.screen.quiet() # no half of a sequence is read
        state = self.screen.look()
        tap.equal((state["bells"], state["altscreen"], state["title"]), (self.bells, True, ""))
        only_seen("\n".join(state["rows"]))
        tap.contains(state["rows"][0], "Online service")
        tap.contains(state["rows"][-1], "F1")
        with open(RAW, "rb") as file:
            raw = file.read()
        hostile_hall.only_pictures(raw)
        for one in FUNCTIONS:
            tap.check(len(one) < 4 or one.encode() not in raw, f"written to the terminal: {one!r}")
        before = self.screen.text()
        self.key("C-l") # what is painted anew is the same
        self.screen.quiet()
        tap.equal(self.screen.text(), before)


def only_seen(text):
    bad = re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u034f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ue000-\uf8ff\ufeff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]", text)
    tap.check(bad is None, bad and f"{text[max(0, bad.start() - 40):bad.end() + 40]!r}")
    flood = re.search("[\u0300-\u036f]{%d}" % (MARKS_MOST + 1), text)
    tap.check(flood is None, flood and f"{len(flood.group())} marks and more on one character")


KINDS = [("text", "agent"), ("report", "agent"), ("order", "agent"), ("question", "agent"), ("note", "agent"), ("joined", "hall"), ("transferred", "hall"), ("closed", "hall")]


@tap.test("words of the queue, of every kind of message, of a question and of the program's own page; the mark on other pages; the transcript")
def _():
    with Service() as service, Customer() as person:
        person.begin()
        with tap.step("the queue"):
            person.screen.wait("Place 3 in the queue")
            service.tell(position=2147483647, since="0000-01-01T00:00:00Z")
            person.screen.wait("Place 2147483647 in the queue")
            person.unmoved()
        with tap.step("an agent's name, and that she types"):
            service.tell(state="talking")
            person.screen.wait("You are talking to " + SEEN_NAME)
            service.event({"conversation": "c1", "side": "agent"}, b"typing")
            person.screen.wait(SEEN_NAME + " is typing")
            person.unmoved()
        for kind, side in KINDS:
            with tap.step(kind):
                for i, evil in enumerate(FUNCTIONS + HIDDEN):
                    service.say(f"{kind}{i:02}{evil}ends", kind, side, tell=False)
                service.say(f"{kind}-last {EVIL}\n{EVIL}", kind, side)
                person.screen.wait({"joined": "has taken", "transferred": "has handed", "closed": "has ended", "note": "for colleagues", "report": "Report of the"}.get(kind, kind + "-last"))
                person.read_all(service)
                person.unmoved()
        with tap.step("combining marks without end"):
            service.say(FLOOD + "flooded")
            person.screen.wait("flooded")
            person.unmoved()
        with tap.step("4 kB without a place to break, and a name of marks"):
            service.say("w" * 4080 + "longest", author=FLOOD[:30])
            person.screen.wait("longest")
            person.unmoved()
        with tap.step("what one said oneself comes back as something else"):
            person.screen.type("good morning")
            person.key("Enter")
            person.screen.wait(re.compile("> good morning.*PWNED"))
            person.unmoved()
        with tap.step("all of it, leafed through"):
            for _ in range(4):
                before = person.screen.text()
                person.key("PageUp")
                person.screen.wait_for(lambda: "\n".join(row.rstrip() for row in person.screen.state["rows"]) != before, "the page before")
            person.unmoved()
            person.key("End")
            person.screen.wait_gone("more below")
        with tap.step("the mark on other pages"):
            person.key("Esc")
            person.home()
            for _ in range(40):
                service.say(EVIL + NAME, tell=False)
            service.tell()
            person.screen.wait("Online service: 40 new messages")
            for key, title in (("4", "Help centre"), ("2", "Downloads")):
                person.key(key, "Enter") if title == "Downloads" else person.key(key)
                person.title(title)
                person.screen.wait("40 new")
                person.screen.quiet()
                with open(RAW, "rb") as file:
                    hostile_hall.only_pictures(file.read())
            person.key("F4")
            person.title("Online service")
        with tap.step("the hall refuses in such words"):
            with proxy.answer(".*/close", lambda h: h.problem(422, "invalid-field", FUNCTIONS[0] + NAME, EVIL)):
                person.key("F8", "2", "Enter")
                person.screen.wait('The field "[5;31;7m' + SEEN_NAME, "not acceptable")
                person.unmoved()
                person.key("Enter")
                person.screen.wait_gone("not acceptable")
        with tap.step("an end that the hall does not do is told of, each time"):
            with proxy.answer(".*/close", lambda h: h.problem(503, "storage")):
                for _ in range(2):
                    person.key("F8", "2", "Enter")
                    person.see("The hall cannot store anything just now")
                    person.key("Enter")
                    person.screen.wait_gone("The hall cannot store")
        with tap.step("the transcript"):
            person.key("F8", "2", "Enter")
            person.see("The conversation has ended.")
            person.key("F7")
            person.see("The file to save the conversation as")
            person.key("Enter")
            person.see("The conversation was saved as %s.")
            folder = os.path.join(where.dir, "home/certhall-chats")
            (name,) = os.listdir(folder)
            tap.check(re.fullmatch(r"certhall-chat-\d{8}-\d{4}\.txt", name), name)
            tap.equal(os.stat(os.path.join(folder, name)).st_mode & 0o777, 0o600)
            with open(os.path.join(folder, name), newline="") as file:
                text = file.read()
            for part in ("good morning", "text19ends", "question-last", "flooded", SEEN_NAME + ":\n"):
                tap.contains(text, part)
            only_seen(text)
            person.unmoved()


def history_asked(since):
    return sum(one.endswith("/history") for one in proxy.requests[since:])


@tap.test("messages that cannot be: the conversation goes on when the hall tells true; it is not asked without a pause")
def _():
    with Service() as service, Customer() as person:
        person.begin()
        service.tell(state="talking")
        person.screen.wait("You are talking to")
        good = service.conversation()
        broken = [("100 kB in a line", json.dumps({**good, "last": {"seq": 1, "id": "1", "side": "agent", "kind": "text", "at": moment(), "body": "a" * 100_000}}).encode()),
                  ("600 kB in a line", b"a" * 600_000), ("no UTF-8", json.dumps(good).encode().replace(b'"c1"', b'"\xff\xfe\xc0\x80"')),
                  ("a NUL", json.dumps({**good, "agent_name": "a\0b"}).encode()), ("half a surrogate", json.dumps({**good, "agent_name": "\ud800gone"}).encode()),
                  ("another kind", json.dumps({**good, "state": EVIL}).encode()), ("no document", b"\x1b]0;x\x07")]
        for i, (name, data) in enumerate(broken):
            with tap.step(name):
                service.event(data)
                service.say(f"well again {i}")
                person.screen.wait(f"well again {i}")
                person.unmoved()
        with tap.step("more is told of than there is"):
            since, began = len(proxy.requests), time.monotonic()
            service.last_seq = 2147483647
            service.say("there is more")
            person.screen.wait("there is more")
            while not history_asked(since):
                person.screen.quiet(0.01)
            person.screen.type("x") # it answers meanwhile
            person.screen.wait("x")
            person.screen.quiet(0.5)
            asked = history_asked(since)
            tap.check(asked < 10 + 4 * (time.monotonic() - began), f"asked {asked} times")
            service.last_seq = None
            service.say("all is there")
            person.screen.wait("all is there")
            person.unmoved()


@tap.test("an id that would be a path goes into none")
def _():
    since = len(proxy.requests)
    with Service() as service, Customer() as person:
        service.fields["id"] = "../../hall?x="
        service.say("first", tell=False)
        person.begin()
        while not all(any(one.endswith(what) for one in proxy.requests[since:]) for what in ("/events", "/marks")):
            person.screen.quiet(0.01)
        service.tell(state="talking")
        person.screen.wait("You are talking to " + SEEN_NAME)
        tap.equal([one for one in proxy.requests if ".." in one], [])
        person.unmoved()


tap.run()
