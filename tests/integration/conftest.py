"""The whole process against real parts: a gauge as a child, and a truthful producer."""

from __future__ import annotations

import time

import pytest
from confluent_kafka import Consumer, TopicPartition

from .gauge_process import RUN, GaugeProcess
from .truthful import Truthful


@pytest.fixture
def gauge(tmp_path):
    """Starter of gauges: `gauge(config, **environ)`; each is stopped at the end."""
    started = []

    def start(config, command=RUN, **environ):
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(GaugeProcess(folder, config, environ, command))
        return started[-1]

    yield start
    for process in started:
        process.close()


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
