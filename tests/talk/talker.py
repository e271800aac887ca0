"""A customer's side by libtalk (talker.c), and a conversation that must come out exact on both sides."""
import contextlib
import http.client
import os
import secrets
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ.get("top_srcdir") or os.path.realpath(os.path.join(os.path.dirname(__file__), "../..")), "tests/lib"))
import tap  # noqa: E402

os.environ.setdefault("top_srcdir", tap.top_srcdir)
import hall  # noqa: E402
from api import Client  # noqa: E402
from talk import Agent, Customer  # noqa: E402

SETTINGS = {"log = {": "limits = { address_rate = 0; certificate_rate = 0; query_rate = 0; };\nchat = { answer_seconds = 30; rate = 0; };\nlog = {"}


def started(**more):
    place = hall.Hall(certs=[("测试样票有限公司", "ec:P-256", -345, 20)], settings=SETTINGS, **more)
    client = Client(place)
    agent = Agent(client)
    agent.be("online").is_ok()
    return place, client, agent


class Talker:
    def __init__(self, place, request=None, env=None):
        self.request = request or secrets.token_hex(16)
        self.process = subprocess.Popen([tap.built("tests/talk/talker"), os.path.join(place.dir, "certhall.conf"), self.request], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, encoding="utf-8", env=place.env("en", **(env or {})))
        self.lines, self.changed = [], threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.lines.append("end")
            self.changed.notify_all()

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def wait_for(self, holds, limit=40):
        def found():
            return next((line for line in self.lines if holds(line)), None)
        with self.changed:
            tap.check(self.changed.wait_for(lambda: found() or "end" in self.lines, limit) and found(), f"not told; the last: {self.lines[-6:]}")
            return found()

    @property
    def told(self):
        with self.changed:
            return [line.split(" ", 3)[1:] for line in self.lines if line.startswith("message ")]

    def end(self):
        self.process.stdin.close()
        tap.equal(self.process.wait(90), 0)

    def close(self):
        self.process.kill()
        self.process.wait()


def patiently(ask, limit=60):
    """Asks until the hall answers."""
    end = time.monotonic() + limit
    while True:
        try:
            answer = ask()
            if answer.status < 500:
                return answer.is_ok()
        except (OSError, AssertionError, http.client.HTTPException) as error:
            tap.check(time.monotonic() < end, f"{error}")
        time.sleep(0.05)  # between two tries


def say_all(agent, texts):
    for text in texts:
        message = secrets.token_hex(16)
        patiently(lambda: agent.say(text, message=message))


def exact(talker, agent, mine, others):
    """Both sides have the same messages in the same order, each once; everybody's in the order they were written."""
    talker.wait_for(lambda line: line.startswith("message ") and line.split(" ", 3)[3] == mine[-1])
    talker.wait_for(lambda line: line.startswith("message ") and line.split(" ", 3)[3] == others[-1])
    history = agent.history()
    tap.equal([m["seq"] for m in history], list(range(1, len(history) + 1)))
    tap.equal([m["body"] for m in history if m["side"] == "customer"], mine)
    tap.equal([m["body"] for m in history if m["side"] == "agent"], others)
    last = str(history[-1]["seq"])
    talker.wait_for(lambda line: line.startswith(f"message {last} "))
    tap.equal(talker.told, [[str(m["seq"]), m["side"], m.get("body", "")] for m in history])


def waits(agent, talker):
    """Taken by the agent, as soon as the hall has it; the agent is still there, however long the tests take."""
    patiently(lambda: agent.be("online"))
    end = time.monotonic() + 60
    while True:
        tap.check(time.monotonic() < end, "no conversation comes")
        customer = Customer(agent.client)
        desk = patiently(lambda: agent.client.get("/v1/desk", token=agent.token))
        mine = [c["id"] for c in desk["conversations"] if c["state"] == "talking" and c.get("agent") == desk["agent"]["id"]]
        if mine:
            (agent.id,) = mine
            return customer
        if any(c["state"] == "waiting" for c in desk["conversations"]):
            with contextlib.suppress(OSError, http.client.HTTPException):  # it may be taken although the answer was lost
                agent.take()
        else:
            time.sleep(0.05)  # between two looks
