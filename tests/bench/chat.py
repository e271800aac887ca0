"""Live service: streams that wait, one message to all of them, messages end to end beside plain SQLite commits."""
import http.client
import json
import multiprocessing
import resource
import secrets
import ssl
import tempfile
import time

import api
import figures
import hall
import tap
from peers import STREAMS, Hello, event_to_all, fetch, open_streams, rate, rss_kb
from talk import Agent, Customer, Events

ASKED, PROCESSES, EACH = 400, 4, 400
RATES = {"log = {": "limits = { connections = 12000; address_rate = 0; certificate_rate = 0; query_rate = 0; };\nchat = { rate = 0; waiting = 10000; };\nlog = {"}


class Asking:
    """One connection to the hall that stays."""

    def __init__(self, port, ca_file, token):
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, context=ssl.create_default_context(cafile=ca_file))
        self.token = token

    def post(self, path, value):
        self.connection.request("POST", path, json.dumps(value), {"Content-Type": "application/json", "Authorization": "Bearer " + self.token})
        response = self.connection.getresponse()
        body = response.read()
        tap.check(response.status < 300, body)


def message(n):
    return {"id": secrets.token_hex(16), "kind": "text", "body": f"第 {n} 条，请问证书更新以后旧文件怎么打开？"}


def conversation(client, agent):
    customer = Customer(client)
    customer.begun()
    agent.taken(customer.id)
    return customer


def end_to_end(client, agent):
    """Milliseconds from the customer's asking to the agent's stream having it."""
    customer = conversation(client, agent)
    asking = Asking(client.hall.port, client.hall.ca_file, customer.token)
    desk = Events(client, "/v1/desk/events", agent.token)
    desk.wait_for(lambda kind, data: kind == "desk")
    taken = []
    for n in range(ASKED):
        began = time.monotonic()
        asking.post(customer.path("/messages"), message(n))
        desk.wait_for(lambda kind, data, n=n: kind == "desk" and any(c["id"] == customer.id and c["last_seq"] == n + 2 for c in data["conversations"]))
        taken.append((time.monotonic() - began) * 1000)
    desk.close()
    customer.close().is_ok()
    return figures.median(taken), figures.percentile(taken, 0.99)


def talk(port, ca_file, id, token, begin, done):
    asking = Asking(port, ca_file, token)
    asking.post(f"/v1/conversations/{id}/marks", {})
    begin.wait()
    taken = []
    for n in range(EACH):
        began = time.monotonic()
        asking.post(f"/v1/conversations/{id}/messages", message(n))
        taken.append((time.monotonic() - began) * 1000)
    done.put(taken)


def together(client, agent):
    """Messages a second of several at once, and the milliseconds of one among them at p99."""
    customers = [conversation(client, agent) for _ in range(PROCESSES)]
    begin, done = multiprocessing.Barrier(PROCESSES + 1), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=talk, args=(client.hall.port, client.hall.ca_file, c.id, c.token, begin, done)) for c in customers]
    for worker in workers:
        worker.start()
    begin.wait()
    began = time.monotonic()
    taken = [ms for _ in workers for ms in done.get()]
    seconds = time.monotonic() - began
    for worker in workers:
        worker.join()
    for customer in customers:
        tap.equal(len([m for m in customer.history() if m["kind"] == "text"]), EACH)
        customer.close().is_ok()
    return len(taken) / seconds, figures.percentile(taken, 0.99)


def waiting_streams(client, agent):
    """5,000 followers of a conversation, beside the bare library's; then one message reaches them all."""
    house = client.hall
    hello = Hello(house)
    before = rss_kb(hello.pid)
    streams = open_streams(house, hello.port, b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    reference_kb = (rss_kb(hello.pid) - before) / STREAMS
    reference_ms = event_to_all(streams, lambda: fetch(house, hello.port, "/fire"))
    for stream in streams:
        stream.close()
    hello.close()
    customer = conversation(client, agent)
    before = rss_kb(house.service.process.pid)
    request = f"GET {customer.path('/events')} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {customer.token}\r\nAccept: text/event-stream\r\n\r\n"
    streams = open_streams(house, house.port, request.encode())
    figures.show("idle stream of a conversation", (rss_kb(house.service.process.pid) - before) / STREAMS, "kB", reference_kb, most=1.2, of="ratio")
    figures.show(f"one message to all {STREAMS} streams", event_to_all(streams, lambda: customer.say("大家好").is_ok()), "ms", reference_ms, most=2.2, of="ratio")
    for stream in streams:
        stream.close()


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16384)), hard))
    with hall.Hall(certs=[("测试样票有限公司", "ec:P-256", -345, 20)], settings=RATES) as house:
        client = api.Client(house)
        agent = Agent(client, most=50)
        agent.be("online").is_ok()
        commits = rate("commit", tempfile.mkdtemp(dir=house.dir))
        figures.show("durable commits", commits, "1/s")
        per_second, p99 = together(client, agent)
        figures.show(f"messages, {PROCESSES} at once", per_second, "1/s", commits, of="ratio")
        figures.show("one message among them, p99", p99, "ms")
        p50, p99 = end_to_end(client, agent)
        figures.show("message to the agent's stream, p50", p50, "ms", 1000 / commits, of="ratio")
        figures.show("message to the agent's stream, p99", p99, "ms", most=100)
        waiting_streams(client, agent)
    figures.close()


if __name__ == "__main__":
    main()
