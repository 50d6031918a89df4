"""What the routes answer, asked over a real connection."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamgauge.model import Blind
from streamgauge.web.routes import REUSE_MS
from streamgauge.web.server import WebServer
from streamgauge.web.status import status

if TYPE_CHECKING:
    import httpx

    from streamgauge.core.snapshot import Snapshot
    from streamgauge.model import SinkHealth

ROUTES = ["/livez", "/readyz", "/status"]


async def test_livez_depends_on_nothing(client: httpx.AsyncClient) -> None:
    """It is answered while no stream is ready."""
    answer = await client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"live": True})


async def test_readyz(client: httpx.AsyncClient, server: WebServer) -> None:
    """1. Nothing has begun. 2. One stream says why it waits. 3. One, then both are assigned.

    Result: 503 names who waits and why, and then it is 200 for good.
    """
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "waiting": {"orders": "not started yet", "carts": "not started yet"},
    }
    server.set_waiting("carts", "topic carts does not exist")
    server.set_ready("orders")
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["waiting"] == {"carts": "topic carts does not exist"}
    server.set_ready("carts")
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "waiting": {}})
    server.set_waiting("carts", "reassigned")
    assert (await client.get("/readyz")).status_code == 200


@pytest.mark.parametrize("call", [WebServer.set_ready, lambda s, name: s.set_waiting(name, "why")])
async def test_a_stream_that_does_not_exist(server: WebServer, call) -> None:
    """A misspelt name must not make the service ready, nor keep it from being so."""
    with pytest.raises(ValueError, match=r"no stream 'ordres', only \['carts', 'orders'\]"):
        call(server, "ordres")


async def test_status(
    client: httpx.AsyncClient,
    server: WebServer,
    snapshot: Snapshot,
    sinks: list[SinkHealth],
    clock,
) -> None:
    """The document is what the rendering says, as JSON."""
    server.publish(snapshot)
    answer = await client.get("/status")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == status([snapshot], sinks, clock())


async def test_newest_snapshot_counts(
    client: httpx.AsyncClient, server: WebServer, snapshot: Snapshot, clock
) -> None:
    """A stream's snapshot replaces its former one and leaves other streams alone."""
    server.publish(snapshot)
    server.publish(replace(snapshot, stream="carts"))
    server.publish(replace(snapshot, life="later"))
    streams = (await client.get("/status")).json()["streams"]
    assert {name: told["life"] for name, told in streams.items()} == {
        "orders": "later",
        "carts": snapshot.life,
    }
    assert (await client.get("/status")).json()["as_of_ms"] == clock()


@pytest.mark.parametrize(
    ("passed_ms", "renewed"), [(0, False), (REUSE_MS - 1, False), (REUSE_MS, True), (-1, True)]
)
async def test_status_is_reused_for_a_moment(
    client: httpx.AsyncClient, server: WebServer, snapshot: Snapshot, clock, passed_ms, renewed
) -> None:
    """Polling renders once in 200 ms, also where the wall clock was set back."""
    before = (await client.get("/status")).json()
    clock.now_ms += passed_ms
    server.publish(snapshot)
    after = (await client.get("/status")).json()
    assert (after != before) == renewed
    assert after["as_of_ms"] == (clock() if renewed else before["as_of_ms"])


async def test_half_a_surrogate_pair_does_no_harm(
    client: httpx.AsyncClient, server: WebServer, snapshot: Snapshot
) -> None:
    """A text that has no UTF-8 is told with a mark in its place, and the rest as it is."""
    blind = Blind("partition 0", 1, "caf\u00e9 \ud800!")
    server.publish(replace(snapshot, blind=(blind,)))
    told = (await client.get("/status")).json()["streams"]["orders"]
    assert told["blind"][0]["reason"] == "caf\u00e9 ?!"
    assert told["topic"] == "orders.placed"


async def test_a_failing_sink_fails_the_status_only(
    client: httpx.AsyncClient,
    server: WebServer,
    snapshot: Snapshot,
    sinks: list[SinkHealth],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """500 without a traceback for the reader; the log has it, and the probe goes on."""
    server.publish(snapshot)
    sinks.append(None)
    answer = await client.get("/status")
    assert answer.status_code == 500
    assert answer.json() == {"error": "Internal Server Error; the service's log says why"}
    assert any(record.exc_info for record in caplog.records if record.levelno == logging.ERROR)
    assert (await client.get("/livez")).status_code == 200


@pytest.mark.parametrize("path", ROUTES)
async def test_nothing_is_cached(client: httpx.AsyncClient, path: str) -> None:
    """An old answer is a wrong one."""
    assert (await client.get(path)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ROUTES)
async def test_head(client: httpx.AsyncClient, path: str) -> None:
    """The head of GET, without its body."""
    answer, full = await client.head(path), await client.get(path)
    assert (answer.status_code, answer.content) == (full.status_code, b"")
    assert answer.headers["content-length"] == str(len(full.content))


@pytest.mark.parametrize("path", ["/", "/metrics", "/status/", "/../etc/passwd", "/statuses"])
async def test_unknown_path(client: httpx.AsyncClient, path: str) -> None:
    """404 tells what there is."""
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.json()["routes"] == ROUTES
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods(client: httpx.AsyncClient, path: str, method: str) -> None:
    """Nothing can be changed here."""
    answer = await client.request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert answer.json()["methods"] == ["GET", "HEAD"]
