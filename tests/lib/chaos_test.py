"""The bad line (chaos.py) is as bad as it was told to be, and no worse."""
import random
import socket
import threading
import time

import chaos
import tap


class Echo:
    """Gives back what it gets, to the end of it."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.taken = self.listener.getsockname()[1], 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            self.taken += 1
            threading.Thread(target=self.answer, args=[client], daemon=True).start()

    @staticmethod
    def answer(client):
        with client:
            try:
                while data := client.recv(65536):
                    client.sendall(data)
            except OSError:
                pass


echo = Echo()
DATA = random.Random(1).randbytes(300000)


def call(line):
    client = socket.create_connection(("127.0.0.1", line.port), timeout=20)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def got(client, size):
    data = b""
    while len(data) < size and (more := client.recv(size - len(data))):
        data += more
    return data


def echoed(client, data):
    threading.Thread(target=client.sendall, args=[data], daemon=True).start()
    began = time.monotonic()
    tap.check(got(client, len(data)) == data, "what comes back is not what was sent")
    return time.monotonic() - began


def ended(line, number=0):
    for _ in range(1000):
        if len(line.connections) > number and line.connections[number].ended:
            return line.connections[number].ended
        time.sleep(0.01)
    raise AssertionError(f"it does not end: {line.connections}")


@tap.test("without a toxic everything passes, and is counted; a closed side closes the other")
def _():
    with chaos.Proxy(echo.port) as line:
        with call(line) as client:
            echoed(client, DATA)
            client.shutdown(socket.SHUT_WR)
            tap.equal(client.recv(1), b"")
        tap.equal(ended(line), "client")
        one = line.connections[0]
        tap.equal((one.up, one.down, line.passed), (len(DATA), len(DATA), 2 * len(DATA)))


@tap.test("latency delays all that comes together once, not each piece after the other")
def _():
    with chaos.Proxy(echo.port) as line, call(line) as client:
        tap.check(echoed(client, b"x") < 0.6)
        line.set(latency=0.3)
        tap.check(echoed(client, b"x") >= 0.6)
        tap.check(0.6 <= echoed(client, DATA * 4) < 3)
        line.set(way="up")
        tap.check(0.3 <= echoed(client, b"x") < 0.6)
        line.clear()
        tap.check(echoed(client, b"x") < 0.6)


@tap.test("bandwidth: so many bytes a second")
def _():
    with chaos.Proxy(echo.port) as line, call(line) as client:
        line.set(bandwidth=40000, way="down")
        tap.check(0.9 <= echoed(client, DATA[:40000]) < 3)


@tap.test("slice: small pieces with pauses, and nothing is lost")
def _():
    with chaos.Proxy(echo.port) as line, call(line) as client:
        line.set(slice=7, pause=0.05, way="down")
        client.sendall(DATA[:70])
        pieces, began = [], time.monotonic()
        while sum(map(len, pieces)) < 70:
            pieces.append(client.recv(70))
        tap.equal(b"".join(pieces), DATA[:70])
        tap.check(len(pieces) > 1, pieces)
        tap.check(time.monotonic() - began >= 0.4)


@tap.test("cut: both ends see the end of it; the next connection passes")
def _():
    with chaos.Proxy(echo.port) as line:
        with call(line) as client:
            echoed(client, b"x")
            line.cut()
            tap.equal(client.recv(1), b"")
        tap.equal(ended(line), "cut")
        with call(line) as client:
            echoed(client, b"x")


@tap.test("reset: both ends see a reset")
def _():
    with socket.create_server(("127.0.0.1", 0)) as listener, chaos.Proxy(listener.getsockname()[1]) as line, call(line) as client:
        client.sendall(b"x")
        server, _ = listener.accept()
        with server:
            tap.equal(server.recv(1), b"x")
            line.reset()
            for end in client, server:
                with tap.raises(ConnectionResetError):
                    end.recv(1)
        tap.equal(line.connections[0].ended, "reset")


@tap.test("limit: exactly so many bytes pass")
def _():
    with chaos.Proxy(echo.port) as line:
        line.set(limit=1000, way="down")
        with call(line) as client:
            client.sendall(DATA[:700])
            tap.equal(client.recv(1000, socket.MSG_WAITALL), DATA[:300])
        tap.equal(ended(line), "limit")
        with call(line) as client:
            client.sendall(DATA[:1000]) # as many as there are
        tap.equal(ended(line, 1), "limit")


@tap.test("stall: accepts and lets nothing pass, until it does")
def _():
    with chaos.Proxy(echo.port) as line:
        line.set(stall=True)
        with call(line) as client:
            client.sendall(b"x")
            client.settimeout(0.3)
            with tap.raises(TimeoutError):
                client.recv(1)
            tap.equal(line.passed, 0)
            line.clear()
            client.settimeout(20)
            tap.equal(client.recv(1), b"x")


@tap.test("down: refuses; what is connected stays; the same port afterwards")
def _():
    with chaos.Proxy(echo.port) as line, call(line) as client:
        echoed(client, b"x")
        line.set(down=True)
        with tap.raises(ConnectionRefusedError):
            call(line)
        echoed(client, b"x")
        line.clear()
        with call(line) as other:
            echoed(other, b"x")


@tap.test("nobody at the port: the connection ends, and it is known why")
def _():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with chaos.Proxy(nobody.getsockname()[1]) as line, call(line) as client:
            tap.equal(client.recv(1), b"")
            tap.equal(ended(line), "unreachable")


@tap.test("at: done exactly before the byte passes, on whatever connection")
def _():
    with chaos.Proxy(echo.port) as line:
        line.at(1300, line.cut)
        line.at(2000, lambda: line.set(stall=True))
        with call(line) as client:
            client.sendall(DATA[:1000])
            tap.equal(client.recv(1000, socket.MSG_WAITALL), DATA[:300])
        tap.equal(line.passed, 1300)
        with call(line) as client:
            client.sendall(DATA[:700])
            client.settimeout(0.3)
            with tap.raises(TimeoutError):
                client.recv(1)
            tap.equal(line.passed, 2000)
            line.clear()


@tap.test("a hundred connections through a bad line, each whole")
def _():
    failures = []

    def one(client, data):
        try:
            echoed(client, data)
        except Exception as error:
            failures.append(error)

    with chaos.Proxy(echo.port) as line:
        line.set(latency=0.02, slice=500)
        clients = [call(line) for _ in range(100)]
        threads = [threading.Thread(target=one, args=(client, DATA[n:n + 5000])) for n, client in enumerate(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tap.equal(failures, [])
        tap.equal(line.passed, 100 * 10000)
        for client in clients:
            client.close()


tap.run()
