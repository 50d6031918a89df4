"""The routes: two probes and the status document, each a look at the same facts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from streamgauge.web.status import status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.requests import Request

    from streamgauge.core.snapshot import Snapshot
    from streamgauge.model import SinkHealth

PATHS: Final = ("/livez", "/readyz", "/status")
REUSE_MS: Final = 200
"""Age up to which a rendered status answers again: polling must not take up the event loop."""


@dataclass(slots=True)
class Facts:
    """What the routes tell; the service changes it, a request only reads it."""

    sinks: Callable[[], Iterable[SinkHealth]]
    now_ms: Callable[[], int]
    waiting: dict[str, str]
    """Streams that are not ready, with the reason of each."""
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    """The newest of each stream."""
    _rendered: tuple[int, bytes] | None = None

    def status(self) -> bytes:
        """The status document, at most `REUSE_MS` old; it says itself of when it is."""
        now_ms = self.now_ms()
        if self._rendered is None or not 0 <= now_ms - self._rendered[0] < REUSE_MS:
            document = status(self.snapshots.values(), self.sinks(), now_ms)
            self._rendered = now_ms, _encoded(document)
        return self._rendered[1]


def application(facts: Facts) -> Starlette:
    """An ASGI application that answers every path with JSON that nobody may cache."""

    async def livez(_: Request) -> Response:
        """Answered by the event loop itself: that it is answered is the answer."""
        return _answer(_encoded({"live": True}))

    async def readyz(_: Request) -> Response:
        """Whether every stream was assigned; says nothing of Dagster or the collector."""
        ready = not facts.waiting
        body = _encoded({"ready": ready, "waiting": facts.waiting})
        return _answer(body, 200 if ready else 503)

    async def live_status(_: Request) -> Response:
        """Everything that is known now."""
        return _answer(facts.status())

    endpoints = dict(zip(PATHS, (livez, readyz, live_status), strict=True))
    app = Starlette(
        routes=[Route(path, endpoint, methods=["GET"]) for path, endpoint in endpoints.items()],
        exception_handlers={HTTPException: _refuse, Exception: _fail},
    )
    app.router.redirect_slashes = False
    return app


async def _refuse(_: Request, error: Exception) -> Response:
    """404 and 405, with what would have been answered."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    body = _encoded({"error": error.detail, "routes": PATHS, "methods": ["GET", "HEAD"]})
    return _answer(body, error.status_code, error.headers)


async def _fail(_: Request, __: Exception) -> Response:
    """500; the server logs the exception, which is no one else's business."""
    return _answer(_encoded({"error": "Internal Server Error; the service's log says why"}), 500)


def _encoded(content: object) -> bytes:
    try:
        return orjson.dumps(content)
    except TypeError:  # half a surrogate pair has no UTF-8
        return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")


def _answer(body: bytes, code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        body,
        status_code=code,
        headers={**(headers or {}), "Cache-Control": "no-store"},
        media_type="application/json",
    )
