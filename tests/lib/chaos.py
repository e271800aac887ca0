"""A bad line: a proxy on loopback between a program and a port, whose faults (toxics) are set while it runs.

    with chaos.Proxy(place.port) as line:
        place.through(line.port)         # certhall reaches the hall by it from here on
        line.set(latency=0.2, slice=3, pause=0.01)
        line.cut()                       # what is connected is closed; new connections pass
        line.at(4000, line.reset)        # ... or when so many bytes have passed
        line.clear()

Toxics (set, clear; they hold for what is connected and for what comes):
    latency    seconds that everything takes more
    bandwidth  bytes a second each way of a connection
    slice      at most so many bytes at once, with pause seconds after each
    limit      a connection is closed when so many bytes have passed it
    stall      accepts, and nothing passes
    down       refuses to connect; what is connected stays
    way        "up" (to the port) or "down" (back): the others hold for this way only
Done at once to all that is connected: cut() closes both ends, reset() has both ends see a reset.
"""
import asyncio
import random
import socket
import struct
import threading

import tap

TOXICS = {"latency": 0, "bandwidth": 0, "slice": 0, "pause": 0, "limit": 0, "stall": False, "down": False, "way": None}
CHUNK = 65536


class Connection:
    """One that was made. up, down: bytes that passed; ended: None while it is open, else "client" or "server" (who closed first),
    "cut", "reset", "limit", "unreachable" (nobody listens at the port)."""

    def __init__(self, client):
        self.client, self.server = client, None
        self.up = self.down = 0
        self.ended, self.tasks, self.half = None, [], None

    def __repr__(self):
        return f"<{self.up} up, {self.down} down, {self.ended or 'open'}>"


class Proxy:
    """Forwards to that port of loopback, listening on .port (listen, or a free one). connections: all there were, in order; passed:
    bytes of all of them, both ways. Its methods may be called on any thread, and hold when they return."""

    def __init__(self, port, listen=0):
        self.to, self.toxics, self.connections, self.passed = port, dict(TOXICS), [], 0
        self._plans, self._forget = [], tap.at_exit(self.close)
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._listener = self._accepting = None
        self.port = self._listen(listen)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._accept)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            tap.remember(self.log())
        self.close()

    def log(self):
        return f"--- line, toxics {({key: value for key, value in self.toxics.items() if value})}: {self.connections}"

    # ---- what a test does ----

    def set(self, **toxics):
        """These toxics besides those that are set."""
        unknown = set(toxics) - set(TOXICS)
        tap.check(not unknown, f"no such toxic: {unknown}")
        self._do(self._set, toxics)

    def clear(self):
        self._do(self._set, dict(TOXICS))

    def cut(self):
        self._do(self._end_all, "cut")

    def reset(self):
        self._do(self._end_all, "reset")

    def at(self, passed, action):
        """Calls action() as soon as more than so many bytes would have passed since the proxy began, before they do."""
        self._do(self._plan, passed, action)

    def forget(self):
        """Nothing that at() was told happens any more, and the line is clear."""
        self._do(self._plans.clear)
        self.clear()

    def close(self):
        """Ends it and what is connected."""
        self._forget()
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # ---- on the loop's thread ----

    def _do(self, function, *arguments):
        if threading.current_thread() is self._thread: # from an action
            function(*arguments)
            return

        async def call():
            function(*arguments)
        asyncio.run_coroutine_threadsafe(call(), self._loop).result(30)

    def _set(self, toxics):
        self.toxics.update(toxics)
        if self.toxics["down"]:
            self._refuse()
        elif self._listener is None:
            self._listen(self.port)
            self._accept()
        self._changed.set()
        self._changed = asyncio.Event()

    def _plan(self, passed, action):
        self._plans.append((passed, action))
        self._plans.sort(key=lambda plan: plan[0])

    def _listen(self, port):
        """Below the range that the kernel hands out by itself, so that nobody takes it while it is down."""
        for tried in [port] if port else (random.SystemRandom().randrange(20000, 32000) for _ in range(1000)):
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setblocking(False)
            try:
                listener.bind(("127.0.0.1", tried))
                listener.listen(128)
            except OSError:
                listener.close()
                continue
            self._listener = listener
            return tried
        raise OSError(f"no port to listen on ({port})")

    def _accept(self):
        self._accepting = self._loop.create_task(self._take())

    async def _take(self):
        while True:
            client, _ = await self._loop.sock_accept(self._listener)
            connection = Connection(client)
            self.connections.append(connection)
            connection.tasks.append(self._loop.create_task(self._connect(connection)))

    def _refuse(self):
        if self._listener is None:
            return
        self._accepting.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        self._listener = None

    async def _connect(self, connection):
        server = socket.socket()
        for end in (connection.client, server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.server = server
        try:
            await self._loop.sock_connect(server, ("127.0.0.1", self.to))
        except OSError:
            self._end(connection, "unreachable")
            return
        for source, sink, way in (connection.client, server, "up"), (server, connection.client, "down"):
            chunks = asyncio.Queue(16)
            connection.tasks.append(self._loop.create_task(self._read(connection, source, chunks, way)))
            connection.tasks.append(self._loop.create_task(self._write(connection, sink, chunks, way)))

    async def _read(self, connection, source, chunks, way):
        data = b"first"
        while data:
            try:
                data = await self._loop.sock_recv(source, CHUNK)
            except OSError: # it was reset: so is the other
                self._end(connection, "client" if way == "up" else "server", abruptly=True)
                return
            await chunks.put((self._loop.time(), data))

    async def _write(self, connection, sink, chunks, way):
        try:
            while True:
                came, data = await chunks.get()
                await asyncio.sleep(came + self._toxic("latency", way) - self._loop.time())
                if not data:
                    self._half(connection, sink, way)
                    return
                while data:
                    size = await self._allowed(connection, len(data), way)
                    if size == 0:
                        return
                    await self._loop.sock_sendall(sink, data[:size])
                    await self._paced(connection, size, way)
                    data = data[size:]
                if connection.ended:
                    return
        except OSError:
            self._end(connection, "server" if way == "up" else "client", abruptly=True)

    def _toxic(self, name, way):
        return self.toxics[name] if self.toxics["way"] in (None, way) else 0

    async def _allowed(self, connection, size, way):
        """How many of size bytes may pass now; waits until some may. 0: the connection has ended."""
        while True:
            while self._plans and self._plans[0][0] <= self.passed:
                self._plans.pop(0)[1]()
            if connection.ended:
                return 0
            if not self._toxic("stall", way):
                break
            await self._changed.wait()
        sizes = [size, self._toxic("slice", way), self._toxic("bandwidth", way) // 20, self._toxic("limit", way) - connection.up - connection.down]
        if self._plans:
            sizes.append(self._plans[0][0] - self.passed)
        size = min(one for one in sizes if one > 0)
        self.passed += size # before it has gone: the other way asks meanwhile
        setattr(connection, way, getattr(connection, way) + size)
        return size

    async def _paced(self, connection, size, way):
        limit, bandwidth = self._toxic("limit", way), self._toxic("bandwidth", way)
        if limit and connection.up + connection.down >= limit:
            self._end(connection, "limit")
        await asyncio.sleep((size / bandwidth if bandwidth else 0) + (self._toxic("pause", way) if self._toxic("slice", way) else 0))

    def _half(self, connection, sink, way):
        """This way's sender has closed."""
        who = "client" if way == "up" else "server"
        if connection.half is None:
            connection.half = who
            sink.shutdown(socket.SHUT_WR)
        else:
            self._end(connection, connection.half)

    def _end_all(self, how):
        for connection in self.connections:
            self._end(connection, how)

    def _end(self, connection, how, abruptly=False):
        if connection.ended:
            return
        connection.ended = how
        for task in connection.tasks:
            if task is not asyncio.current_task():
                task.cancel()
        for end in connection.client, connection.server:
            if end is None:
                continue
            self._loop.remove_reader(end)
            self._loop.remove_writer(end)
            if abruptly or how == "reset":
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass # not connected any more
            end.close()

    async def _shut(self):
        self._refuse()
        self._end_all("cut")
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


# What can be done to a line, by name: function(line, random). line.clear() mends it.
SPOILERS = {
    "latency": lambda line, chance: line.set(latency=chance.uniform(0.05, 0.5)),
    "bandwidth": lambda line, chance: line.set(bandwidth=chance.randrange(2000, 20000)),
    "slice": lambda line, chance: line.set(slice=chance.randrange(1, 400), pause=chance.uniform(0, 0.02)),
    "cut": lambda line, chance: line.cut(),
    "reset": lambda line, chance: line.reset(),
    "limit": lambda line, chance: line.set(limit=chance.randrange(1, 6000)),
    "stall": lambda line, chance: line.set(stall=True, way=chance.choice([None, "up", "down"])),
    "down": lambda line, chance: (line.set(down=True), line.cut()),
}
