"""The whole process against real parts: a gauge as a child, and a producer that keeps its own log."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml
from confluent_kafka import Consumer, Producer, TopicPartition

READY_SECONDS = 45


def wait_until(what, seconds=30.0, every=0.05):
    """The first true value of `what()`; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(every)


class GaugeProcess:
    """`streamgauge run` as a child process, with its log lines as they come."""

    def __init__(self, folder: Path, config: dict, environ: dict[str, str]) -> None:
        path = folder / "streamgauge.yaml"
        path.write_text(yaml.safe_dump(config))
        self.lines: list[dict] = []
        own = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "STREAMGAUGE_"))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamgauge", "run", "--config", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=own | environ,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stderr:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.lines.append({"event": "not json", "line": line.decode(errors="replace")})

    def events(self, name: str) -> list[dict]:
        """The log lines with this event name."""
        return [line for line in list(self.lines) if line.get("event") == name]

    def wait_for(self, name: str, seconds: float = READY_SECONDS) -> dict:
        """The first log line with this event name."""
        deadline = time.monotonic() + seconds
        while not self.events(name):
            assert self.process.poll() is None, self.lines
            assert time.monotonic() < deadline, f"no {name} in {self.lines}"
            time.sleep(0.02)
        return self.events(name)[0]

    @property
    def url(self) -> str:
        """Where the web server listens."""
        return "http://" + self.wait_for("web_listening")["address"]

    def get(self, path: str) -> httpx.Response:
        """One GET of the web server."""
        return httpx.get(self.url + path, timeout=5)

    def wait_ready(self) -> None:
        """Return when every stream's first assignment is done."""
        wait_until(lambda: self.get("/readyz").status_code == 200, READY_SECONDS)

    def stream(self, name: str = "orders") -> dict:
        """The stream's part of /status; empty before its first snapshot."""
        return self.get("/status").json()["streams"].get(name, {})

    def wait_seen(self, name: str = "orders") -> None:
        """Return when the gauge sees everything of the stream."""
        wait_until(lambda: self.stream(name).get("completeness") == 1, READY_SECONDS)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 20) -> tuple[int, float]:
        """Exit code and seconds from the signal to the end."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        return code, time.monotonic() - began

    def close(self) -> None:
        """Leave no process behind."""
        if self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        self.process.stderr.close()


@pytest.fixture
def gauge(tmp_path):
    """Starter of gauges: `gauge(config, **environ)`; each is stopped at the end."""
    started = []

    def start(config, **environ):
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(GaugeProcess(folder, config, environ))
        return started[-1]

    yield start
    for process in started:
        process.close()


@dataclass
class Truth:
    """What the producer knows it has written, kept by the producer alone."""

    records: list[dict] = field(default_factory=list)

    def by_partition(self) -> dict[int, int]:
        """Number of records by partition."""
        counts: dict[int, int] = {}
        for record in self.records:
            counts[record["partition"]] = counts.get(record["partition"], 0) + 1
        return counts


def _trace(rng: random.Random, *, sampled: bool) -> tuple[str, str, str]:
    trace_id, span_id = f"{rng.getrandbits(128) or 1:032x}", f"{rng.getrandbits(64) or 1:016x}"
    return trace_id, span_id, f"00-{trace_id}-{span_id}-{'03' if sampled else '02'}"


class Truthful:
    """A producer that logs what it was acknowledged: partition, offset, event time, trace."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 2})
        self._numbers = itertools.count()
        self._rng = random.Random(7)  # noqa: S311 - a repeatable scenario, not a secret

    def send(self, topic, count, *, age_ms=lambda _: 0, traced_every=5, partition=None, **fields):
        """Write records whose event time lies `age_ms(i)` before now; returns their truth."""
        truth = Truth()
        for index in range(count):
            number = next(self._numbers)
            event_ms = time.time_ns() // 1_000_000 - age_ms(index)
            sampled = traced_every and index % traced_every == 0
            trace_id, span_id, traceparent = _trace(self._rng, sampled=sampled)
            entry = {"event_ms": event_ms, "trace_id": trace_id, "span_id": span_id,
                     "sampled": bool(sampled), "number": number}  # fmt: skip

            def acknowledged(error, message, entry=entry):
                assert error is None, error
                entry["partition"], entry["offset"] = message.partition(), message.offset()
                entry["timestamp_ms"] = message.timestamp()[1]
                truth.records.append(entry)

            options = {} if partition is None else {"partition": partition}
            headers = [("event-time", str(event_ms).encode())]
            if traced_every:
                headers.append(("traceparent", traceparent.encode()))
            self._producer.produce(
                topic, key=str(number).encode(), value=fields.get("value", b"{}"), headers=headers,
                on_delivery=acknowledged, **options,
            )  # fmt: skip
            self._producer.poll(0)
        assert self._producer.flush(30) == 0
        assert len(truth.records) == count
        return truth


@pytest.fixture
def producer(broker):
    """A truthful producer on the run's broker."""
    return Truthful(broker.bootstrap_servers)


@pytest.fixture
def commit(broker):
    """Commit offsets as a group that only commits: `commit(group, topic, {partition: offset})`."""

    def commit(group, topic, offsets):
        consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": group,
                             "enable.auto.commit": False})  # fmt: skip
        try:
            consumer.commit(
                offsets=[TopicPartition(topic, p, o) for p, o in offsets.items()],
                asynchronous=False,
            )
        finally:
            consumer.close()

    return commit


@pytest.fixture
def append_times(broker):
    """Broker's append time by (partition, offset), read back by another client."""

    def read(topic, truth):
        consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers,
                             "group.id": f"reader-of-{topic}"})  # fmt: skip
        found = {}
        try:
            counts = truth.by_partition()
            consumer.assign([TopicPartition(topic, p, 0) for p in counts])
            deadline = time.monotonic() + 30
            while len(found) < sum(counts.values()):
                assert time.monotonic() < deadline
                for message in consumer.consume(500, 0.5):
                    assert message.error() is None, message.error()
                    found[message.partition(), message.offset()] = message.timestamp()
        finally:
            consumer.close()
        return found

    return read
