"""A place on the way to a server that keeps what goes out, byte for byte."""

from __future__ import annotations

import contextlib
import socket
import threading
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

CHUNK = 1 << 16


class Tap:
    """Forwards connections to a server and its answers back.

    Args:
        base_url: of the server, `http://host:port`.

    Attributes:
        base_url: what a client is given instead.
    """

    def __init__(self, base_url):
        there = urlsplit(base_url)
        self._sent: list[bytearray] = []
        tap = self

        class Handler(BaseRequestHandler):
            def handle(self):
                """One connection, until both sides have closed it."""
                kept = bytearray()
                tap._sent.append(kept)
                with socket.create_connection((there.hostname, there.port)) as server:
                    back = threading.Thread(target=_pump, args=(server, self.request, None))
                    back.start()
                    _pump(self.request, server, kept)
                    back.join()

        class Server(ThreadingTCPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def sent(self):
        """What clients have sent so far, one piece for each connection."""
        return [bytes(each) for each in self._sent]

    def close(self):
        """Take no more connections."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _pump(source, target, kept):
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            if kept is not None:
                kept += data
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
