"""Event streams: resuming, heartbeats, many of them, and their end."""
import os
import resource
import selectors
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from office import Office, Stream
import tap

STREAMS = 1000
office = Office(heartbeat=1)


def submitted():
    token = office.login(office.cert())
    return token, office.order(token)["number"]


@tap.test("A stream begins with the present state and tells every change")
def _():
    token, number = submitted()
    with Stream(office, token, number) as stream:
        tap.equal(stream.response.headers["Content-Type"], "text/event-stream")
        events = stream.events()
        first = next(events)
        tap.equal((first["event"], first["retry"] if "retry" in first else None, first["data"]["state"]), ("order", None, "created"))
        tap.equal(int(first["id"]), first["data"]["revision"])
        office.post(f"/v1/orders/{number}/payment", token=token).good()
        tap.equal(next(events)["data"]["state"], "paying")
        office.pay_order(number)
        tap.equal(next(events)["data"]["state"], "paid")


@tap.test("Last-Event-ID: what is known is not told again, what came meanwhile is")
def _():
    token, number = submitted()
    with Stream(office, token, number) as stream:
        known = int(next(stream.events())["id"])
    with Stream(office, token, number, known) as stream:
        lines = stream.lines()
        tap.equal(next(lines), "retry: 3000")
        tap.equal(next(lines), "")
        tap.equal(next(lines), ":", "nothing but a heartbeat")
        office.order(token, 200, contact="另一人")
        event = [line for line in (next(lines) for _ in range(8)) if line.startswith("id: ")]
        tap.equal(event, [f"id: {known + 1}"])
    office.order(token, 200, contact="第三人")
    with Stream(office, token, number, known + 1) as stream:
        tap.equal(next(stream.events())["data"]["applicant"]["contact"], "第三人")
    office.restart()
    with Stream(office, token, number, known) as stream:
        tap.equal(int(next(stream.events())["id"]), known + 2)


@tap.test("A stream ends with its order")
def _():
    token, number = submitted()
    with Stream(office, token, number) as stream:
        office.post(f"/v1/orders/{number}/cancel", token=token).good()
        states = [event["data"]["state"] for event in stream.events()]
        tap.equal(states[-1], "cancelled")
    with Stream(office, token, number, 99) as stream:
        tap.equal(list(stream.events()), [])


@tap.test(f"{STREAMS} open streams: one change reaches all, those who left are noticed, and the service ends in the midst of them")
def _():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * STREAMS), hard))
    office.restart()
    token, number = submitted()
    streams = []

    def open_some(count):
        for _ in range(count):
            stream = Stream(office, token, number)
            next(stream.events())
            streams.append(stream)
    workers = [threading.Thread(target=open_some, args=(STREAMS // 8,)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    tap.equal(len(streams), STREAMS)
    office.order(token, 200, contact="另一人")
    for stream in streams:
        tap.equal(next(stream.events())["data"]["applicant"]["contact"], "另一人")
    for stream in streams[:STREAMS // 2]:
        stream.connection.close()
    tap.equal(office.stop(), 0, "the exit status")
    for stream in streams[STREAMS // 2:]:
        rest = [line for line in stream.lines() if line not in (":", "")]
        tap.equal(rest, [])
        stream.connection.close()


tap.run()
