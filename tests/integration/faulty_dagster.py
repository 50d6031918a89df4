"""A way to a Dagster webserver on which requests get lost, hang, or are answered wrongly."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import random
import socket
import struct
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

FAULTS = ("cut before", "cut after", "hang before", "hang after", "500 after")
"""The connection is reset, the request stays without an answer, or a lie is answered; `before` or
`after` the webserver has stored what was reported."""
HANG_SECONDS = 20.0


class FaultyDagster:
    """Forwards to the webserver, and spoils a share of the reports; what it did is counted.

    Attributes:
        share: of the reports that are spoilt, 0 to 1.
        done: how often each fault took effect; `passed` are reports that went through whole.
    """

    def __init__(self, base_url, seed, share=0.4):
        self.share = share
        self.done = Counter()
        self._target = urlsplit(base_url)
        self._rng = random.Random(seed)  # noqa: S311 - a repeatable schedule
        self._faults = itertools.cycle(FAULTS)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        way = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                """Forward, or not."""
                way.handle(self)

            def log_message(self, *_):
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """A killed gauge resets its connections: that is the test."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def handle(self, request):
        """One request and its fate."""
        body = request.rfile.read(int(request.headers["Content-Length"]))
        fault = self._fault(request.path)
        answer = None
        if fault is None or fault.endswith("after"):
            answer = self._forward(request, body)
        if (answer is None and fault is None) or (fault is not None and fault.startswith("cut")):
            self._count(fault or "away")
            _reset(request)
        elif fault is not None and fault.startswith("hang"):
            self._count(fault)
            self._closing.wait(HANG_SECONDS)
            _reset(request)
        elif fault is not None:
            self._count(fault)
            _answer(request, 500, "text/plain", b"Internal Server Error")
        else:
            if request.path.startswith("/report"):
                self._count("passed")
            _answer(request, *answer)

    def _fault(self, path):
        with self._lock:
            spoilt = path.startswith("/report") and self._rng.random() < self.share
            return next(self._faults) if spoilt else None

    def _count(self, what):
        with self._lock:
            self.done[what] += 1

    def _forward(self, request, body):
        """Status, content type and body; None if the webserver is away."""
        there = http.client.HTTPConnection(self._target.hostname, self._target.port, timeout=30)
        try:
            there.request("POST", request.path, body, {"Content-Type": "application/json"})
            answer = there.getresponse()
            return answer.status, answer.getheader("Content-Type"), answer.read()
        except OSError:
            return None
        except http.client.HTTPException:
            return None
        finally:
            there.close()

    def close(self):
        """Let go of all that hangs, and listen no more."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _answer(request, status, kind, body):
    request.send_response(status)
    request.send_header("Content-Type", kind or "text/plain")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def _reset(request):
    """End the connection with RST: no goodbye, as a crash does."""
    request.close_connection = True
    with contextlib.suppress(OSError):
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.connection.close()
