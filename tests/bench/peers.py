"""What benches of the service share: the reference server, many streams, rates of the machine."""
import os
import select
import socket
import ssl
import subprocess
import time

import tap

STREAMS = 5000


def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def rate(*arguments):
    return float(run(tap.built("tests/bench/rates"), *arguments))


class Hello:
    """The reference server, with the hall's own TLS certificate."""

    def __init__(self, house):
        port_file = f"{house.dir}/run/hello.port"
        self.process = subprocess.Popen([tap.built("tests/bench/hello"), f"{house.dir}/hall/tls.pem", f"{house.dir}/hall/tls.key", port_file], stdin=subprocess.PIPE)
        while not (os.path.exists(port_file) and os.path.getsize(port_file)):
            try:
                self.process.wait(0.01)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError("hello does not start")
        with open(port_file) as file:
            self.port = int(file.read())
        self.pid = self.process.pid

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def rss_kb(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def open_streams(house, port, request):
    context = ssl.create_default_context(cafile=house.ca_file)
    streams = []
    for _ in range(STREAMS): # the heads are read after all have asked: each may wait for a packet's acknowledgement
        stream = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1")
        stream.sendall(request)
        streams.append(stream)
    for stream in streams:
        head = stream.recv(4096)
        if not head.startswith(b"HTTP/1.1 200"):
            raise AssertionError(head[:300])
        stream.setblocking(False)
    return streams


def drain(streams):
    for stream in streams:
        try:
            while stream.recv(4096):
                pass
        except (ssl.SSLWantReadError, BlockingIOError):
            pass


def event_to_all(streams, fire):
    """Milliseconds from fire() until every stream has got something."""
    poll = select.epoll()
    by_fd = {stream.fileno(): stream for stream in streams}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    drain(streams)
    began = time.monotonic()
    fire()
    while by_fd:
        for fd, _ in poll.poll(20) or [(None, 0)]:
            if fd is None:
                raise AssertionError(f"{len(by_fd)} streams got nothing")
            try:
                if b"data:" not in by_fd[fd].recv(65536):
                    continue
            except ssl.SSLWantReadError:
                continue
            poll.unregister(fd)
            del by_fd[fd]
    return (time.monotonic() - began) * 1000


def fetch(house, port, path):
    context = ssl.create_default_context(cafile=house.ca_file)
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1") as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        while connection.recv(4096):
            pass
