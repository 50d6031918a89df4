"""Which records count, and whose age is known: isolation, event times, and reading from afar."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from confluent_kafka import Producer

from .gauge_process import configuration


def an_hour(_):
    """Age of a record in ms."""
    return 3_600_000


def written(producer):
    """Writes 500 records before the gauge starts, an hour old."""

    def write(topic):
        producer.send(topic, 500, age_ms=an_hour)
        return {}

    return write


@pytest.fixture
def start(gauge, broker, create_topic, topic_name):
    """Makes a topic, lets the test write to it, and starts a gauge of it.

    What writes may give further settings of the stream.
    """

    def start(write=lambda _: {}, topic_config=None, **entry):
        topic = topic_name("orders")
        create_topic(topic, 1, topic_config or {})
        entry |= {"topic": topic} | write(topic)
        config = configuration(broker.bootstrap_servers, {"orders": entry})
        started = gauge(config)
        started.wait_seen()
        return started, topic

    return start


@pytest.mark.real_broker
def test_aborted_records_count_only_where_groups_read_them(broker, gauge, create_topic, topic_name):
    """One stream for each level on the same topic: 5 aborted, 4 committed, 3 of no transaction."""
    topic = topic_name("orders")
    create_topic(topic, 1, {})
    streams = {
        "committed": {"topic": topic, "asset_key": ["committed"]},
        "all": {"topic": topic, "isolation_level": "read_uncommitted", "asset_key": ["all"]},
    }
    started = gauge(configuration(broker.bootstrap_servers, streams))
    for name in streams:
        started.wait_seen(name)
    servers = {"bootstrap.servers": broker.bootstrap_servers}
    writer = Producer(servers | {"transactional.id": topic_name("writer")})
    writer.init_transactions(30)
    for count, end in ((5, writer.abort_transaction), (4, writer.commit_transaction)):
        writer.begin_transaction()
        for _ in range(count):
            writer.produce(topic, b"{}")
        writer.flush(30)
        end(30)
    plain = Producer(servers)
    for _ in range(3):
        plain.produce(topic, b"{}")
    assert plain.flush(30) == 0
    started.wait_counted(12, "all")
    started.wait_counted(7, "committed")
    positions = {name: started.stream(name)["partitions"]["0"]["next_offset"] for name in streams}
    assert positions == {"committed": 14, "all": 14}
    assert started.stream("committed")["completeness"] == 1


def test_an_event_time_in_the_value_is_found_by_its_pointer(start, producer):
    """RFC 3339 in a nested field; a value without it falls through to the record's timestamp."""
    started, topic = start(event_time=[{"pointer": "/meta/occurredAt"}, "record"])

    def value(event_ms):
        at = datetime.fromtimestamp(event_ms / 1000, tz=UTC).isoformat()
        return json.dumps({"meta": {"occurredAt": at}}).encode()

    producer.send(topic, 8, age_ms=an_hour, value=value, in_header=False)
    started.wait_counted(8)
    producer.send(topic, 2, age_ms=an_hour, value=lambda _: b"not json", in_header=False)
    started.wait_counted(10)
    totals = started.stream()["totals"]
    assert totals["event_times"] == {"pointer": 8, "record": 2}
    assert 8 * 3600 <= totals["arrival_ages"]["sum_seconds"] < 8 * 3600 + 60


def test_no_age_is_invented_for_what_was_written_before(start, producer):
    """CreateTime: nobody knows when they arrived. What comes live afterwards is aged."""
    started, topic = start(written(producer), start_from="earliest")
    started.wait_counted(500)
    totals = started.stream()["totals"]
    assert (totals["unaged"], totals["arrival_ages"]["count"]) == (500, 0)
    producer.send(topic, 3)
    started.wait_counted(503)
    totals = started.stream()["totals"]
    assert (totals["unaged"], totals["arrival_ages"]["count"]) == (500, 3)


@pytest.mark.real_broker
def test_ages_of_what_was_written_before_are_known_where_the_broker_stamps(start, producer):
    """LogAppendTime: the time of arrival stands in the log, and replay changes no age."""
    stamped = {"message.timestamp.type": "LogAppendTime"}
    started, _ = start(written(producer), stamped, start_from="earliest")
    started.wait_counted(500)
    totals = started.stream()["totals"]
    assert (totals["unaged"], totals["arrival_ages"]["count"]) == (0, 500)
    assert 500 * 3600 <= totals["arrival_ages"]["sum_seconds"] < 500 * 3605


@pytest.mark.real_broker
def test_a_start_from_a_time_counts_what_came_since(start, producer):
    """The boundary is the first record at or after it."""
    truth = []

    def write(topic):
        for _ in range(3):
            truth.extend(producer.send(topic, 4).records)
        at = datetime.fromtimestamp(truth[5]["timestamp_ms"] / 1000, tz=UTC)
        return {"start_from": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}

    started, _ = start(write)
    since_ms = truth[5]["timestamp_ms"]
    first = min(record["offset"] for record in truth if record["timestamp_ms"] >= since_ms)
    started.wait_counted(12 - first)
    assert started.stream()["partitions"]["0"]["start_position"] == first
