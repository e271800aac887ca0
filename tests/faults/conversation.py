#!/usr/bin/env python3
"""A conversation in which certhalld, or the customer's program, is killed at the n-th call to the kernel: every message once and in order on
both sides, and nothing is lost that was marked sent.

SYSCALLS, SEED: as for syscalls.py. An argument, as "certhalld pwrite 12" or "certhalld fdatasync 3 behind", tries that one.
"""
import contextlib
import http.client
import os
import random
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, name) for name in ("../lib", "../talk")]
from talker import Talker, patiently, say_all, started, tap  # noqa: E402
import chaos  # noqa: E402
import nth  # noqa: E402

LONG = 1.2  # seconds after which libhall has given up asking and libtalk asks anew
SEED, MANY = int(os.environ.get("SEED", "1")), os.environ.get("SYSCALLS", "5")
MINE, OTHERS = [f"客户第 {n} 条" for n in range(4)], [f"客服第 {n} 条" for n in range(3)]

calls = nth.Nth()
tap.at_exit(lambda: os.unlink(calls.path))
place, client, agent = started(env=calls.env)
line = chaos.Proxy(place.port)
place.through(line.port)
keeper = nth.Keeper(place, line)


class Customer:
    """Says texts by the talker, and by another one with the same request when that is dead."""

    def __init__(self):
        self.talker = Talker(place, env=calls.env)
        self.said, self.lost = [], []  # lost: texts that may be, for they were not marked sent when the program died

    def died(self):
        return "end" in self.talker.lines

    def alive(self):
        """The talker, a new one if it is dead."""
        if self.died():
            marks = [list(map(int, told.split()[1:])) for told in self.talker.lines if told.startswith("mark ")]
            sent = sum(marks[-1][1:4]) if marks else 0
            self.lost = self.said[max(sent, len([1 for _, side, _ in self.talker.told if side == "customer"])):]
            self.talker = Talker(place, self.talker.request)
        return self.talker

    def say(self, text):
        try:
            self.alive().say(text)
        except BrokenPipeError:
            self.talker.wait_for(lambda told: told == "end")
            self.alive().say(text)
        self.said.append(text)

    def sees(self, holds):
        """Whether it is told so; False: the program died before."""
        try:
            self.talker.wait_for(holds)
            return True
        except AssertionError:
            if not self.died():
                raise
            return False

    def has(self, body):
        while not self.sees(lambda told: told.startswith("message ") and told.split(" ", 3)[3] == body):
            self.alive()

    def last_word(self):
        """Something more until it arrives: all that was said before has arrived then, or never will."""
        for n in range(3):
            self.say(f"最后 {n}")
            if self.sees(lambda told: told.endswith(f"最后 {n}") and told.startswith("message ")):
                return
        raise AssertionError("the program dies again and again")


def accepted(customer):
    """The agent takes the conversation, as soon as there is one."""
    end = time.monotonic() + 60
    while True:
        found = {c["state"]: c["id"] for c in patiently(lambda: agent.client.get("/v1/desk", token=agent.token))["conversations"]}
        if "talking" in found:  # also when the answer to having taken it was lost
            agent.id = found["talking"]
            return
        if "waiting" in found:
            with contextlib.suppress(OSError, http.client.HTTPException):
                agent.take()
        customer.alive()
        tap.check(time.monotonic() < end, "no conversation comes")
        time.sleep(0.02)  # between two looks


def exact(customer):
    """Numbers without a gap, each text once and in order, nothing missing but what was not marked sent; the same told by the program."""
    history = agent.history()
    tap.equal([m["seq"] for m in history], list(range(1, len(history) + 1)))
    mine = [m["body"] for m in history if m["side"] == "customer"]
    tap.equal(mine, [text for text in customer.said if text in mine], "the customer's")
    tap.equal(sorted(set(customer.said) - set(mine) - set(customer.lost)), [], "marked sent, and lost")
    tap.equal([m["body"] for m in history if m["side"] == "agent"], OTHERS, "the agent's")
    while not customer.sees(lambda told: told.startswith(f"message {history[-1]['seq']} ")):
        customer.alive()
    tap.equal(customer.talker.told, [[str(m["seq"]), m["side"], m.get("body", "")] for m in history])


def talked(kill=None):
    """What was called how often; None: it has not come to the call."""
    patiently(lambda: agent.be("online"))  # who is not heard of for a while has gone
    calls.begin()
    if kill:
        calls.kill(*kill)
    customer = Customer()
    customer.say(MINE[0])
    accepted(customer)
    for text, answer in zip(MINE[1:], OTHERS):
        customer.say(text)
        say_all(agent, [answer])
        customer.has(answer)
    customer.last_word()
    made, hit = calls.made(), kill is not None and calls.is_set()
    calls.spare()
    patiently(lambda: agent.client.get("/v1/desk", token=agent.token))  # it serves
    exact(customer)
    customer.talker.process.stdin.close()
    customer.talker.process.wait(60)
    agent.close().is_ok()
    return made if kill is None or hit else None


def tried(program, call, n, behind):
    nth.near(n, lambda n: came_to(program, call, n, behind))


def came_to(*case):
    """What a failed case has left does not fail the next one, too."""
    keeper.outage = LONG if case[3] or random.Random(f"{SEED} {case}").random() < 0.3 else 0
    try:
        return talked(case) is not None
    finally:
        calls.spare()
        for left in patiently(lambda: agent.client.get("/v1/desk", token=agent.token))["conversations"]:
            agent.id = left["id"]
            agent.close()


def chosen():
    """A third of a sample dies behind a commit: what the hall has then, nobody was told of."""
    if len(sys.argv) > 1:
        program, call, n, *behind = sys.argv.pop().split()
        return [(program, call, int(n), bool(behind))]
    made = talked()
    before = [(program, call, n, False) for (program, call), count in made.items() for n in range(1, count + 1)]
    behind = [("certhalld", "fdatasync", n, True) for n in range(1, made["certhalld", "fdatasync"] + 1)]
    tap.diag(f"{len(before) + len(behind)} cases, {MANY} are tried, SEED={SEED}: {made}")
    if MANY == "all":
        return before + behind
    random.Random(SEED).shuffle(before)
    random.Random(SEED).shuffle(behind)
    return behind[:int(MANY) // 3] + before[:int(MANY) - int(MANY) // 3]


for _case in chosen():
    tap.test(f"{_case[0]} killed {'behind' if _case[3] else 'at'} {_case[1]} {_case[2]}", limit=120)(lambda case=_case: tried(*case))
tap.run()
