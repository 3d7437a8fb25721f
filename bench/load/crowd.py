"""Many clients that do little: connections that are kept and idle, and readers that are slow."""

import selectors
import socket
import time

from proxies import SEGMENT, Failure


def ask(port, size, receive_buffer=None, context=None):
    """A connection on which /size was asked for; through TLS with a context."""
    connection = socket.socket()
    if receive_buffer:
        # As over a network: segments of loopback's 64 KiB would have the kernel buffer megabytes for each.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(10)
    connection.connect(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context:
        connection = context.wrap_socket(connection, server_hostname="shop.example")
    connection.sendall(f"GET /{size} HTTP/1.1\r\nHost: shop.example\r\nX-User-Id: user-0\r\n\r\n".encode())
    return connection


class IdleCrowd:
    """Keep-alive connections, each of which had a request answered and is quiet now."""

    def __init__(self, port, count, context=None):
        self.connections = []
        self.port, self.context = port, context
        self.grow(count)

    def grow(self, count):
        for _ in range(count):
            connection = ask(self.port, 256, context=self.context)
            self.connections.append(connection)
            got = b""
            while not got.endswith(b"." * 200):
                piece = connection.recv(4096)
                if not piece:
                    raise Failure(f"connection {len(self.connections)} of the idle crowd was closed: {got[:80]!r}")
                got += piece

    def closed(self):
        """How many the proxy has closed meanwhile."""
        with selectors.DefaultSelector() as ready:
            for connection in self.connections:
                ready.register(connection, selectors.EVENT_READ)
            return len(ready.select(0))

    def leave(self):
        for connection in self.connections:
            connection.close()
        self.connections = []


class SlowReaders:
    """Clients of one large response each, of which they take a little now and then."""

    def __init__(self, port, count, size):
        self.size = size
        self.connections = {ask(port, size, receive_buffer=16384): 0 for _ in range(count)}
        self.buffer = bytearray(1 << 18)

    def sip(self, most):
        """Each takes at most so much of what is there."""
        for connection in self.connections:
            connection.setblocking(False)
            try:
                self.take(connection, most)
            except BlockingIOError:
                pass

    def take(self, connection, most):
        got = connection.recv_into(self.buffer, most)
        if got == 0:
            raise Failure(f"a slow reader was cut off after {self.connections[connection]:,} bytes")
        if self.connections[connection] == 0:
            head = bytes(self.buffer[:got]).partition(b"\r\n\r\n")[0]
            if not head.startswith(b"HTTP/1.1 200 "):
                raise Failure(f"a slow reader was answered {head[:80]!r}")
            got -= len(head) + 4
        self.connections[connection] += got

    def finish(self):
        """All read to the end; Failure if one does not get all, or more."""
        left = {one for one, got in self.connections.items() if got < self.size}
        deadline = time.monotonic() + 120
        with selectors.DefaultSelector() as ready:
            for connection in left:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
                ready.register(connection, selectors.EVENT_READ)
            while left:
                events = ready.select(5)
                if not events or time.monotonic() > deadline:
                    raise Failure(f"{len(left)} slow readers did not get the rest of their responses")
                for key, _ in events:
                    self.take(key.fileobj, len(self.buffer))
                    if self.connections[key.fileobj] >= self.size:
                        ready.unregister(key.fileobj)
                        left.discard(key.fileobj)
        over = sum(got != self.size for got in self.connections.values())
        if over:
            raise Failure(f"{over} slow readers got another number of bytes than {self.size:,}")

    def leave(self):
        for connection in self.connections:
            connection.close()
        self.connections = {}
