"""A way to a Dagster webserver on which each request is noted with its size."""

from __future__ import annotations

import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from streamgauge_demo.parts.stoppable import Stoppable

_HOST: Final = "127.0.0.1"
_TIMEOUT_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.02


class Passed(NamedTuple):
    """One request that was answered."""

    at_seconds: float
    """When it came, by the monotonic clock."""
    path: str
    body: bytes


class MeteredWay(Stoppable):
    """Forwards all requests.

    Attributes:
        base_url: the address of this way.
        passed: the requests so far, in the order of their answers.
    """

    def __init__(self, target_url: str) -> None:
        target, way = urlsplit(target_url), self
        self.passed: list[Passed] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                at_seconds = time.monotonic()
                there = http.client.HTTPConnection(target.netloc, timeout=_TIMEOUT_SECONDS)
                try:
                    there.request(
                        self.command,
                        target.path + self.path,
                        body,
                        {"Content-Type": self.headers.get("Content-Type", "application/json")},
                    )
                    answer = there.getresponse()
                    content = answer.read()
                finally:
                    there.close()
                way.passed.append(Passed(at_seconds, self.path, body))
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers.get_content_type())
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST  # noqa: N815 - what the base class looks for

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Who is killed resets its connections."""

        self._server: Final = Server((_HOST, 0), Handler)
        self.base_url: Final = f"http://{_HOST}:{self._server.server_address[1]}"
        self._thread: Final = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True
        )
        self._thread.start()

    def since(self, seconds: float) -> list[Passed]:
        """The requests that came from this time of the monotonic clock on."""
        return [each for each in list(self.passed) if each.at_seconds >= seconds]

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
