"""The hall's service beside what OpenSSL, SQLite and libmicrohttpd do on this machine in the same run."""
import re
import resource
import shutil
import subprocess
import tempfile
import time

import figures
import hall
import tap
from peers import STREAMS, Hello, event_to_all, fetch, open_streams, rate, rss_kb, run

THREADS, EACH = 8, 40
COMMITS = 8
RATES = {'log = {': 'limits = { connections = 12000; address_rate = 10000000; address_burst = 10000000; '
         'certificate_rate = 10000000; certificate_burst = 10000000; };\nlog = {'}


def requests_per_second(port, path):
    text = run("wrk", "-t1", "-c32", "-d3", f"https://127.0.0.1:{port}{path}")
    if "Non-2xx" in text:
        raise AssertionError(text)
    return float(re.search(r"Requests/sec: *([\d.]+)", text).group(1))


def renewals_argv(house):
    return [tap.built("tests/bench/renewals"), house.url, house.ca_file, f"{house.dir}/hall/ca.pem", f"{house.dir}/hall/ca.key"]


def renewals(house, threads, each):
    text = run(*renewals_argv(house), str(threads), str(each))
    per_second, done, milliseconds = text.split()
    return float(per_second), int(done), float(milliseconds)


def commits_per_renewal(house):
    """Durable writes of the service for one renewal, seen by strace(1): one fdatasync a commit."""
    if shutil.which("strace") is None:
        return None
    log = f"{house.dir}/run/strace"
    trace = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=fdatasync,fsync", "-o", log, "-p", str(house.service.process.pid)], stderr=subprocess.PIPE)
    time.sleep(1)
    renewals(house, 1, 10)
    trace.terminate()
    trace.wait()
    with open(log) as file:
        return sum("sync(" in line for line in file) / 10


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16384)), hard))
    with hall.Hall(settings=RATES) as house:
        folder = tempfile.mkdtemp(dir=house.dir)
        ca = run("openssl", "x509", "-in", f"{house.dir}/hall/ca.pem", "-noout", "-text")
        bits = re.search(r"Public-Key: \((\d+) bit", ca).group(1)
        algorithm = "ec:P-256" if bits == "256" else f"rsa:{bits}"
        signatures, commits = rate("sign", algorithm), rate("commit", folder)
        figures.show(f"certificates signed, {algorithm}", signatures, "1/s")
        figures.show("durable commits", commits, "1/s")
        per_second, done, milliseconds = renewals(house, THREADS, EACH)
        figures.show(f"whole renewals ({done}, {THREADS} at once)", per_second, "1/s", min(signatures, commits / COMMITS), least=0.7, of="ratio")
        figures.show("one renewal among them", milliseconds, "ms")
        synced = commits_per_renewal(house)
        if synced is not None:
            figures.show("durable commits a renewal", synced, "", most=COMMITS)

        hello = Hello(house)
        figures.show("read-only requests, GET /v1/hall", requests_per_second(house.port, "/v1/hall"), "1/s",
                     requests_per_second(hello.port, "/hello"), least=0.5, of="ratio")

        before = rss_kb(hello.pid)
        streams = open_streams(house, hello.port, b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reference_kb = (rss_kb(hello.pid) - before) / STREAMS
        reference_ms = event_to_all(streams, lambda: fetch(house, hello.port, "/fire"))
        for stream in streams:
            stream.close()
        hello.close()
        figures.show("idle stream of the reference", reference_kb, "kB")
        figures.show(f"one event to all {STREAMS} of the reference", reference_ms, "ms")
        hall_streams(house, reference_kb, reference_ms)
        began = time.monotonic()
        house.service.stop()
        house.service.start()
        figures.show("ended and listening again", (time.monotonic() - began) * 1000, "ms", most=1000)
    figures.close()


def hall_streams(house, reference_kb, reference_ms):
    """The same with the hall's: all follow one order, which then changes."""
    order = subprocess.Popen([*renewals_argv(house), "1", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    number, token = order.stdout.readline().split()
    request = f"GET /v1/orders/{number}/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n"
    before = rss_kb(house.service.process.pid)
    streams = open_streams(house, house.port, request.encode())
    figures.show("idle event stream", (rss_kb(house.service.process.pid) - before) / STREAMS, "kB", reference_kb, most=1.2, of="ratio")
    figures.show(f"one event to all {STREAMS} streams", event_to_all(streams, lambda: (order.stdin.write("\n"), order.stdin.flush())), "ms", reference_ms,
                 most=2.2, of="ratio")  # 100 ms beside the 46 ms that a client in C sees of the reference; this client takes its own time
    order.communicate()
    for stream in streams:
        stream.close()


main()
