"""Shutdown: what is left goes out, and a collector that is dead in any way cannot hold it up."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager

import pytest

from streamgauge.otlp.sink import OtlpSettings, OtlpSink

DEADLINE_SECONDS = 0.5
PROTOCOLS = ["grpc", "http/protobuf"]


@contextmanager
def refused():
    """A port nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def mute():
    """A listener that accepts and never answers, until it hangs up at the end."""
    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept():
            try:
                while True:
                    accepted.append(listener.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in accepted:
        connection.close()


@contextmanager
def unresolvable():
    """A name that no name server knows (RFC 2606)."""
    yield "http://collector.invalid:4317"


def wait_for_threads(before, seconds):
    """The threads that are left of those that were not there before."""
    deadline = time.monotonic() + seconds
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


@pytest.fixture(autouse=True)
def every_thread_ends():
    """No thread outlives its test, once the dead collector has gone as well."""
    before = set(threading.enumerate())
    yield
    assert not wait_for_threads(before, 15)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("collector", [refused, mute, unresolvable])
async def test_dead_collector_does_not_hold_up_the_end(monkeypatch, make, collector, protocol):
    """The deadline holds with work waiting for both signals, and it is told that work was lost."""
    with collector() as endpoint:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "4")
        sink = OtlpSink(OtlpSettings("1", export_interval_seconds=60))
        sink.start()
        sink.publish(make.full_snapshot())
        sink.emit_spans("orders", [make.record(n) for n in range(2000)])
        started = time.monotonic()
        assert not await sink.shutdown(DEADLINE_SECONDS)
        assert time.monotonic() - started < DEADLINE_SECONDS + 1.5
        assert all(health.delivered == 0 for health in sink.health())


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_shutdown_during_an_export(monkeypatch, make, protocol):
    """An export that hangs already does not hold it up either."""
    with mute() as endpoint:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        sink = OtlpSink(OtlpSettings("1", export_interval_seconds=0.01))
        sink.start()
        sink.publish(make.full_snapshot())
        time.sleep(0.2)  # noqa: ASYNC251 - the exporting thread gets into its export
        started = time.monotonic()
        assert not await sink.shutdown(DEADLINE_SECONDS)
        assert time.monotonic() - started < DEADLINE_SECONDS + 1.5


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_nobody_waits_for_the_next_try(monkeypatch, make, protocol):
    """The deadline ends the waits between tries too: four batches would go on for ten seconds."""
    before = set(threading.enumerate())
    with refused() as endpoint:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        sink = OtlpSink(OtlpSettings("1"))
        sink.start()
        sink.emit_spans("orders", [make.record(n) for n in range(2000)])
        await sink.shutdown(0.2)
        assert not wait_for_threads(before, 4)


async def test_shutdown_without_a_start():
    """There is nothing to flush."""
    assert await OtlpSink(OtlpSettings("1")).shutdown(5)


async def test_nothing_is_taken_after_shutdown(monkeypatch, make):
    """Late calls of the wiring do no harm."""
    with refused() as endpoint:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        sink = OtlpSink(OtlpSettings("1"))
        sink.start()
        await sink.shutdown(0.1)
        sink.publish(make.full_snapshot())
        sink.observe("orders", [make.record()])
        assert sink.reserve_spans(1, now_ms=0, dead_letter=False) == 0
        sink.emit_spans("orders", [make.record()])
        assert await sink.shutdown(5)
