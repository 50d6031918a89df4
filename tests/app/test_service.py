"""The whole service: how it starts, how it breaks, and that it always leaves in time."""

from __future__ import annotations

import asyncio
import socket
import time

import httpx
import pytest

from streamgauge.app.service import Service
from streamgauge.app.sinks import Sinks
from streamgauge.app.stream import StreamSettings
from streamgauge.core.event_time import RecordRule
from streamgauge.kafka.fetching import DEAD_LETTERS, STREAM
from streamgauge.model import SinkHealth
from streamgauge.web.server import ListenError, WebServer

from .conftest import FakeCluster
from .jumping import START_MS

SETTINGS = StreamSettings("read_committed", "latest", [RecordRule()], STREAM, DEAD_LETTERS, 1000)
GRACE_SECONDS = 3.0


class FakeDagster:
    """A sink that can be made to break or to hang: `run`, `publish` or `flush` raises or waits."""

    def __init__(self, **faults):
        self.faults = faults
        self.published = 0
        self.flushed_after = None

    async def run(self):
        """Deliver until cancelled."""
        if "run" in self.faults:
            await self._suffer(self.faults["run"])
        else:
            await asyncio.Event().wait()

    def is_ahead(self, _stream, _life):
        """Nobody was told anything before."""
        return False

    async def last_standings(self, _stream, _checks):
        """Nobody knows."""
        return {}

    def publish(self, _snapshot):
        """Take the newest snapshot."""
        self.published += 1
        if "publish" in self.faults:
            raise self.faults["publish"]

    async def flush(self, _deadline_seconds):
        """Tell what is left."""
        self.flushed_after = self.published
        if "flush" in self.faults:
            await self._suffer(self.faults["flush"])

    def health(self):
        """How telling goes."""
        return SinkHealth("dagster", 0, 0, 0, None, None, None)

    async def _suffer(self, fault):
        if isinstance(fault, Exception):
            raise fault
        await asyncio.sleep(fault)


class DeadCluster(FakeCluster):
    """A cluster that answers nothing and does not even close."""

    async def topic(self, _name):
        """Never."""
        await asyncio.Event().wait()

    async def close(self):
        """Never."""
        await asyncio.Event().wait()


class Running:
    """A service at work in this loop."""

    def __init__(self, policy, cluster, dagster, port=0):
        self.cluster, self.dagster = cluster, dagster
        self.web = WebServer(
            "127.0.0.1", port, streams=["shop"], sinks=lambda: (), now_ms=lambda: START_MS
        )
        sinks = Sinks(self.web, None, dagster)
        service = Service(cluster, sinks, [(policy(), SETTINGS)], lambda: START_MS)
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(service.serve(self.stop, GRACE_SECONDS))

    async def end(self, *, stop=True):
        """Whether all went well, and the seconds it took to leave."""
        if stop:
            self.stop.set()
        began = time.monotonic()
        return await asyncio.wait_for(self.task, 30), time.monotonic() - began


@pytest.fixture
async def serve(policy, lines):
    """Starts services: `serve(cluster, dagster)`; none is left behind."""
    started = []

    def start(cluster=None, dagster=None, port=0):
        started.append(Running(policy, cluster or FakeCluster(), dagster or FakeDagster(), port))
        return started[-1]

    yield start
    for running in started:
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)


@pytest.fixture
def eventually():
    """Waits for a condition."""

    async def wait(condition, seconds=20.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not become true in time"
            await asyncio.sleep(0.01)

    return wait


def crashes(lines):
    """What broke, as the lines say it."""
    return [repr(line["exc_info"]) for line in lines if line["event"] == "crashed"]


async def test_it_serves_until_it_is_asked_to_stop(serve, eventually, lines, events):
    """The last snapshot is published before the sinks are flushed; then everything closes."""
    running = serve()
    await eventually(lambda: running.dagster.published)
    address = next(line["address"] for line in lines if line["event"] == "web_listening")
    async with httpx.AsyncClient() as client:
        ready = await client.get(f"http://{address}/readyz")
    assert ready.status_code == 503
    assert "topic orders does not exist" in ready.json()["waiting"]["shop"]
    assert "dlq" not in ready.json()["waiting"]["shop"]
    well, seconds = await running.end()
    assert (well, seconds < GRACE_SECONDS, running.cluster.closed) == (True, True, True)
    assert running.dagster.flushed_after == running.dagster.published > 1
    assert events()[-1] == "service_stopping"
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://{address}/livez")


async def test_a_stop_during_the_start_is_obeyed(serve, events):
    """Before the web server is up and any broker has answered; that alone is nothing to tell."""
    running = serve(DeadCluster())
    well, seconds = await running.end()
    assert (well, seconds < GRACE_SECONDS + 1) == (True, True)
    assert events() == ["web_listening", "service_stopping"]
    assert (running.dagster.published, running.dagster.flushed_after) == (0, 0)


async def test_a_taken_address_ends_the_start(serve):
    """Nothing else was begun."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        running = serve(port=taken.getsockname()[1])
        with pytest.raises(ListenError):
            await running.end(stop=False)
    assert running.cluster.asked == []


@pytest.mark.parametrize("fault", ["topic", "publish", "run", "ended"])
async def test_whatever_breaks_ends_the_service_loudly(fault, serve, lines, events):
    """With a line for the mistake itself, a flush, and everything closed."""
    mistake = LookupError("a mistake")
    cluster = FakeCluster()
    faults = {"publish": {"publish": mistake}, "run": {"run": mistake}, "ended": {"run": 0.1}}
    if fault == "topic":
        cluster.topics = {"orders": mistake}
    running = serve(cluster, FakeDagster(**faults.get(fault, {})))
    well, seconds = await running.end(stop=False)
    told = "RuntimeError('telling Dagster ended by itself')" if fault == "ended" else repr(mistake)
    assert (well, set(crashes(lines))) == (False, {told})
    assert "service_stopping" not in events()
    assert seconds < 10
    assert running.dagster.flushed_after is not None
    assert cluster.closed


async def test_a_source_that_breaks_when_it_is_stopped_is_told_too(serve, eventually, lines):
    """Its mistake is not taken for its end."""

    class Stubborn(FakeCluster):
        async def topic(self, name):
            self.asked.append(name)
            try:
                await asyncio.Event().wait()
            finally:
                raise LookupError("a mistake")

    cluster = Stubborn()
    running = serve(cluster)
    await eventually(lambda: len(cluster.asked) == 2)
    well, _ = await running.end()
    assert (well, set(crashes(lines))) == (False, {"LookupError('a mistake')"})


async def test_what_breaks_while_stopping_is_told_too(serve, eventually, lines, events):
    """And everything else still closes."""
    running = serve(dagster=FakeDagster(flush=LookupError("a mistake")))
    await eventually(lambda: "topic_absent" in events())
    well, _ = await running.end()
    assert (well, crashes(lines)) == (False, ["LookupError('a mistake')"])
    assert running.cluster.closed


async def test_everything_dead_at_once_does_not_hold_the_end(serve, eventually, events):
    """Brokers, a sink that breaks its promise, and a web client that does not finish."""
    running = serve(DeadCluster(), FakeDagster(flush=1000))
    await eventually(lambda: "web_listening" in events())
    host, port = running.web.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /status HTTP/1.1\r\nHost: x\r\n")
    await writer.drain()
    well, seconds = await running.end()
    assert (well, seconds < GRACE_SECONDS + 1) == (True, True)
    assert events()[-1] == "service_cut_short"
    assert await reader.read() == b""
    writer.close()
