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

FAULTS = ("cut before", "cut after", "hang before", "hang after", "500 after", "late")
"""The connection is reset, the request stays without an answer, or a lie is answered; `before` or
`after` the webserver has stored what was reported. What is late is stored when its sender has given
up, or has been killed and followed by another."""
HANG_SECONDS = 20.0
LATE_SECONDS = (2.5, 9.0)


class FaultyDagster:
    """Forwards to the webserver, and spoils a share of the requests; what it did is counted.

    Attributes:
        share: of the requests that are spoilt, 0 to 1.
        done: how often each fault befell a report, `after` and `late` only where the webserver has
            stored it; `passed` are reports that went through whole, `unheard` those of them whose
            sender was gone before the answer, `away` requests that met no webserver, and
            `questions` spoilt requests that report nothing.
    """

    def __init__(self, base_url, seed, share=0.4):
        self.share = share
        self.done = Counter()
        self._target = urlsplit(base_url)
        self._rng = random.Random(seed)  # noqa: S311 - a repeatable schedule
        self._faults = itertools.cycle(FAULTS)
        self._to_store = 0
        self._news = threading.Condition()
        self._newest = b""
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

    def await_report(self, asset, seconds):
        """Return when the next observation of an asset comes in; whether that was in time."""
        name = asset[-1].encode()
        with self._news:
            self._newest = b""
            return self._news.wait_for(lambda: name in self._newest, seconds)

    def all_stored(self):
        """Whether nothing is under way to the webserver."""
        return not self._to_store

    def handle(self, request):
        """One request and its fate."""
        body = request.rfile.read(int(request.headers["Content-Length"]))
        reports = request.path.startswith("/report") or b"mutation" in body
        with self._news:
            fault = next(self._faults) if self._rng.random() < self.share else ""
            self._to_store += 1
            if request.path.startswith("/report_asset_observation"):
                self._newest = body
                self._news.notify_all()
        try:
            answer = self._reach(request, body, fault)
        finally:
            with self._news:
                self._to_store -= 1
        if answer is None and not fault.endswith("before"):
            self._count("away")
            _reset(request)
        elif not fault:
            if reports:
                self._count("passed")
                self._count("unheard", _is_gone(request))
            _answer(request, *answer)
        else:
            self._count(fault if reports else "questions")
            self._spoil(request, fault)

    def _reach(self, request, body, fault):
        """Status, content type and body of the webserver's answer, None if it has none."""
        if fault.endswith("before"):
            return None
        if fault == "late":
            with self._news:
                seconds = self._rng.uniform(*LATE_SECONDS)
            self._closing.wait(seconds)
        answer = self._forward(request, body)
        return None if answer is None or (fault and answer[0] != http.HTTPStatus.OK) else answer

    def _spoil(self, request, fault):
        if fault == "500 after":
            _answer(request, 500, "text/plain", b"Internal Server Error")
            return
        if fault.startswith("hang"):
            self._closing.wait(HANG_SECONDS)
        _reset(request)

    def _count(self, what, times=1):
        with self._news:
            self.done[what] += times

    def _forward(self, request, body):
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


def _is_gone(request):
    """Whether the sender has closed the connection, as the system does for a killed one."""
    try:
        return request.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


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
