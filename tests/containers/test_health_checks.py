"""The health checks of compose.yaml say what is wrong: a check that always passes is none."""

from __future__ import annotations

import subprocess
import sys

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from streamgauge_demo.compose.gauge_health import complaints

WELL = {"completeness": 1, "sinks": {"dagster": {"delivered": 1, "last_error": None}}}
SILENT = {"completeness": 1, "sinks": {"dagster": {"delivered": 0, "last_error": "refused"}}}


@pytest.fixture
def check():
    """Run a check as a container does: `check("orders_health", ...)`; its exit code and words."""

    def run(module, *arguments):
        command = [sys.executable, "-m", f"streamgauge_demo.compose.{module}", *arguments]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True,
            timeout=60,
        )  # fmt: skip
        return done.returncode, done.stderr.strip()

    return run


@pytest.fixture
def topic(create_topic, topic_name):
    """A new topic of two partitions."""
    name = topic_name("orders")
    create_topic(name, 2, {})
    return name


@pytest.mark.parametrize(
    ("streams", "found"),
    [
        ({}, ["no stream has a snapshot yet"]),
        ({"orders": WELL}, []),
        ({"orders": WELL | {"completeness": 0.5}}, ["orders: completeness is 0.5"]),
        ({"orders": SILENT}, ["dagster: nothing delivered (refused)"]),
    ],
)
def test_gauge_is_well_once_it_sees_all_and_has_told_all(streams, found):
    """Each lack is named."""
    assert complaints({"streams": streams}) == found


def test_dagster_without_definitions_is_not_well(check, dagster_server):
    """It answers, but there is nothing in it."""
    address = dagster_server.base_url.removeprefix("http://")
    assert check("dagster_health", address) == (1, "no asset is defined")


@pytest.mark.real_broker
def test_producer_is_well_while_its_records_are_young(check, topic, broker):
    """An empty topic and an old record are not enough."""
    asked = ("orders_health", "--bootstrap-servers", broker.bootstrap_servers, "--topic", topic)
    assert check(*asked)[0] == 1
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    producer.produce(topic, b"old", partition=0, timestamp=1_000)
    producer.flush(30)
    code, words = check(*asked)
    assert (code, words.startswith("no record for ")) == (1, True)
    producer.produce(topic, b"new", partition=1)
    producer.flush(30)
    assert check(*asked) == (0, "")


def test_worker_is_well_once_its_group_has_committed(check, topic, broker):
    """A group that nobody knows has not."""
    servers = broker.bootstrap_servers
    asked = ("orders_health", "--bootstrap-servers", servers, "--topic", topic, "--group", topic)
    assert check(*asked) == (1, f"{topic} committed nothing")
    consumer = Consumer(
        {"bootstrap.servers": servers, "group.id": topic, "enable.auto.commit": False}
    )
    consumer.commit(offsets=[TopicPartition(topic, 1, 3)], asynchronous=False)
    consumer.close()
    assert check(*asked) == (0, "")
