"""The web server's life: where it listens, what it leaves alone, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from streamgauge.web.connections import MAX_CONNECTIONS
from streamgauge.web.server import ListenError, WebServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from streamgauge.core.snapshot import Snapshot

    Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
    Connect = Callable[[WebServer], Awaitable[Connection]]


def _server(host: str = "127.0.0.1", port: int = 0) -> WebServer:
    return WebServer(host, port, streams=[], sinks=list, now_ms=lambda: 1)


def _place(server: WebServer) -> tuple[str, int]:
    host, _, port = server.address.rpartition(":")
    return host.strip("[]"), int(port)


async def _live(server: WebServer) -> bool:
    async with httpx.AsyncClient(timeout=2) as client:
        answer = await client.get(f"http://{server.address}/livez")
    return answer.status_code == 200


async def _stop_seconds(server: WebServer, deadline_seconds: float) -> float:
    begun = time.monotonic()
    await server.stop(deadline_seconds)
    return time.monotonic() - begun


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Opens connections to a server and drops them in the end."""
    opened: list[asyncio.StreamWriter] = []

    async def connect(server: WebServer) -> Connection:
        reader, writer = await asyncio.open_connection(*_place(server), limit=1 << 10)
        opened.append(writer)
        return reader, writer

    yield connect
    for writer in opened:
        writer.transport.abort()
    await asyncio.gather(*(writer.wait_closed() for writer in opened), return_exceptions=True)


@pytest.fixture
async def plain() -> AsyncIterator[WebServer]:
    """Listens on a free port and knows no streams."""
    server = _server()
    await server.start()
    yield server
    await server.stop(2)


async def test_port_zero_tells_the_real_one(plain: WebServer) -> None:
    """The address that is told is the one that answers."""
    assert _place(plain)[1] > 0
    assert await _live(plain)


async def test_two_servers_in_one_loop(plain: WebServer) -> None:
    """One does not know of the other."""
    second = _server()
    await second.start()
    assert await _live(plain)
    assert await _live(second)
    await second.stop(2)
    assert await _live(plain)


async def test_a_taken_port_is_told(plain: WebServer) -> None:
    """What, where, why and what to do, in one sentence, and nothing stays behind."""
    second = _server(port=_place(plain)[1])
    with pytest.raises(ListenError) as told:
        await second.start()
    assert str(told.value) == (
        f"web.listen: cannot listen on {plain.address}: Address already in use; "
        "free that address or set web.listen to another one (port 0 takes any free port)"
    )
    await second.stop(1)
    assert await _live(plain)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
async def test_an_address_of_elsewhere_is_told(host: str) -> None:
    """An address that this host does not have, and a name that is none."""
    with pytest.raises(ListenError, match=f"^web.listen: cannot listen on {host}:80: .*; free"):
        await _server(host, 80).start()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="the host has no IPv6")
@pytest.mark.parametrize(("host", "asked"), [("::1", "::1"), ("::", "127.0.0.1"), ("::", "::1")])
async def test_ipv6(host: str, asked: str) -> None:
    """`::` is every address of both families."""
    server = _server(host)
    await server.start()
    try:
        assert server.address.startswith(f"[{host}]:")
        address = f"[{asked}]" if ":" in asked else asked
        async with httpx.AsyncClient(timeout=2) as client:
            answer = await client.get(f"http://{address}:{_place(server)[1]}/livez")
        assert answer.status_code == 200
    finally:
        await server.stop(2)


async def test_port_is_free_after_stop(plain: WebServer) -> None:
    """A restarted service finds its port."""
    await plain.stop(2)
    again = _server(port=_place(plain)[1])
    await again.start()
    assert await _live(again)
    await again.stop(2)


async def test_stop_can_be_repeated_and_come_first() -> None:
    """Cleaning up needs no memory of what was begun."""
    server = _server()
    await server.stop(1)
    await server.start()
    await server.stop(1)
    await server.stop(1)


async def test_signal_handlers_are_left_alone(plain: WebServer) -> None:
    """Signals belong to the service."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    server = _server()
    await server.start()
    assert {number: signal.getsignal(number) for number in before} == before
    assert await _live(plain)
    await server.stop(2)
    assert {number: signal.getsignal(number) for number in before} == before


async def test_requests_are_not_logged(plain: WebServer, caplog: pytest.LogCaptureFixture) -> None:
    """A probe every few seconds is no event."""
    with caplog.at_level(logging.DEBUG):
        assert await _live(plain)
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


async def test_wait_ends_with_stop(plain: WebServer) -> None:
    """What waits for the server goes on when it was asked to stop."""
    waiting = asyncio.create_task(plain.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    await plain.stop(2)
    await asyncio.wait_for(waiting, 1)


async def test_wait_tells_an_end_that_nobody_asked_for() -> None:
    """A server that is gone must not go unnoticed."""
    server = _server()
    with pytest.raises(RuntimeError, match="was not started"):
        await server.wait()
    await server.start()
    task = next(task for task in asyncio.all_tasks() if task.get_name() == "web")
    task.cancel()
    with pytest.raises(RuntimeError, match=f"on {server.address} ended by itself"):
        await server.wait()
    await server.stop(1)


async def test_stop_with_an_idle_connection(plain: WebServer) -> None:
    """1. A client keeps its connection open. 2. The service stops.

    Result: it does not wait for the client.
    """
    async with httpx.AsyncClient(base_url=f"http://{plain.address}") as client:
        assert (await client.get("/livez")).status_code == 200
        assert await _stop_seconds(plain, 5) < 1


async def test_stop_with_half_a_request(plain: WebServer, connect: Connect) -> None:
    """1. A client sends a request without its end. 2. The service stops.

    Result: it is gone within the deadline.
    """
    _, writer = await connect(plain)
    writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    await writer.drain()
    await asyncio.sleep(0.05)
    assert await _stop_seconds(plain, 5) < 1


@pytest.mark.parametrize("deadline_seconds", [0.0, 0.2, 1.0])
async def test_stop_with_a_client_that_does_not_read(
    snapshot: Snapshot, connect: Connect, deadline_seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    """1. A client asks for more than the buffers hold and reads nothing. 2. The service stops.

    Result: it is gone within the deadline, no task is left, and nothing is reported as an error.
    """
    group = snapshot.groups["fulfillment"]
    large = {f"{number}" * 1_000_000: group for number in range(10)}
    server = WebServer("127.0.0.1", 0, streams=[], sinks=list, now_ms=lambda: 1)
    before = asyncio.all_tasks()
    await server.start()
    server.publish(replace(snapshot, groups=large))
    _, writer = await connect(server)
    writer.write(b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
    await writer.drain()
    writer.transport.pause_reading()
    await asyncio.sleep(0.3)
    assert await _stop_seconds(server, deadline_seconds) < deadline_seconds + 0.3
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_an_answer_under_way_is_finished(snapshot: Snapshot, connect: Connect) -> None:
    """1. A client reads a large answer slowly. 2. The service stops. 3. The client reads on.

    Result: it gets the whole answer.
    """
    group = snapshot.groups["fulfillment"]
    server = WebServer("127.0.0.1", 0, streams=[], sinks=list, now_ms=lambda: 1)
    await server.start()
    server.publish(replace(snapshot, groups={"g" * 8_000_000: group}))
    reader, writer = await connect(server)
    writer.write(b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.sleep(0.2)
    stopping = asyncio.create_task(server.stop(10))
    await asyncio.sleep(0.2)
    assert not stopping.done()
    answer = await reader.read(-1)
    assert len(answer) > 8_000_000
    assert answer.endswith(b"}")
    await stopping


async def test_connections_are_bounded(plain: WebServer, connect: Connect) -> None:
    """1. Clients open more connections than allowed and say nothing. 2. A probe comes.

    Result: the oldest are closed and counted, and the probe is answered.
    """
    connections = [await connect(plain) for _ in range(MAX_CONNECTIONS + 5)]
    assert await _live(plain)
    assert plain.dropped_connections == 6
    for reader, _ in connections[:6]:
        assert await asyncio.wait_for(reader.read(1), 1) == b""
    newest_reader, newest_writer = connections[-1]
    newest_writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await newest_reader.readline()).startswith(b"HTTP/1.1 200")


async def test_closed_connections_are_not_counted(plain: WebServer, connect: Connect) -> None:
    """A client that leaves makes room."""
    for _ in range(MAX_CONNECTIONS + 5):
        _, writer = await connect(plain)
        writer.close()
        await writer.wait_closed()
    assert await _live(plain)
    assert plain.dropped_connections == 0


async def test_what_is_no_http_does_no_harm(plain: WebServer, connect: Connect) -> None:
    """Garbage gets a 400 and the next one a proper answer."""
    reader, writer = await connect(plain)
    writer.write(b"\x00\xff\x16\x03\x01 not http\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 400")
    assert await _live(plain)
