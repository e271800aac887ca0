#!/usr/bin/env python3
"""The event stream of an order: what is lost with the connection is asked for again."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import tap
from server import Server, order

NUMBER = "AZT112217NR3QT"


def event(revision):
    return f"event: order\nid: {revision}\ndata: {json.dumps(order(revision))}\n\n".encode()


def stream(handler, *parts):
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()
    for part in parts:
        handler.wfile.write(part)
        handler.wfile.flush()


@tap.test("orders arrive, and a stream that ends is opened again where it stood")
def _():
    def answer(handler):
        turn = len(host.requests)
        if turn == 1:
            stream(handler, b"retry: 10\n\n", b":hb\n\n", event(8), event(9)[:40])
        elif turn == 2:
            handler.send(503, b"", kind="text/plain")
        elif turn == 3:
            stream(handler, event(9))
        else:
            stream(handler, event(10))
            host.closing.wait(60)

    with Server(answer) as host:
        host.configure()
        status, lines = host.probe("follow", NUMBER, "7", "3")
        tap.equal(status, 0)
        tap.equal(lines, ["stands", f"order {NUMBER} 8", "lost net-overloaded ", "stands", f"order {NUMBER} 9", "stands", f"order {NUMBER} 10"])
        tap.equal([headers["Last-Event-ID"] for _, _, headers, _ in host.requests], ["7", "8", "8", "9"])
        tap.equal({path for _, path, _, _ in host.requests}, {f"/v1/orders/{NUMBER}/events"})
        tap.equal(host.requests[0][2]["Accept"], "text/event-stream")


@tap.test("from the start there is no Last-Event-ID; other events and broken ones are passed over")
def _():
    def answer(handler):
        stream(handler, b"event: other\ndata: {}\n\n", b"event: order\nid: 1\ndata: {\n\n", event(2))
        host.closing.wait(60)

    with Server(answer) as host:
        host.configure()
        tap.equal(host.probe("follow", NUMBER, "0", "1"), (0, ["stands", f"order {NUMBER} 2"]))
        tap.equal(host.requests[0][2]["Last-Event-ID"], None)


@tap.test("what is not a stream is lost, once; a session that has ended is not asked for again")
def _():
    def answer(handler):
        turn = len(host.requests)
        if turn <= 2:
            handler.send(200, b"{}") if turn == 1 else handler.connection.close()
        else:
            handler.problem(401, "session-needed")

    with Server(answer) as host:
        host.configure()
        status, lines = host.probe("follow", NUMBER, "0", "1")
        tap.equal(lines[0].split(" ")[:2], ["lost", "net-protocol"])
        tap.equal(len(lines), 1 + 1)
        tap.equal(lines[1].split(" ")[:2], ["lost", "session-needed"])
        tap.equal(len(host.requests), 3)


tap.run()
