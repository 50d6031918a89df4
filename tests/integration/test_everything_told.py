"""One process, real parts, and the producer's own log: what is told must equal what was written."""

from __future__ import annotations

import signal
import time

import pytest

from .gauge_process import asset_of, configuration, otlp_variables, wait_until
from .wire import (
    ages_ms,
    assert_exemplars_are_records,
    assert_spans_continue_records,
    buckets_of,
    buckets_told,
    spans_of,
    values,
)

FETCH_WAIT_MS = 100


@pytest.fixture
def topics(create_topic, topic_name):
    """A stream's topic with three partitions and its dead letter topic: `topics(config)`."""

    def create(**config):
        stream = topic_name("orders")
        create_topic(stream, 3, config)
        create_topic(stream + ".dlq", 1, {})
        return stream, stream + ".dlq"

    return create


@pytest.fixture
def start(gauge, broker, dagster_server, topics):
    """Starter of a gauge of a new topic and dead letter topic, which it gives beside it."""

    def start(variables, report_every="1s", **topic_config):
        stream, dlq = topics(**topic_config)
        entry = {
            "topic": stream,
            "groups": [f"{stream}-group"],
            "dead_letters": [{"topic": dlq}],
            "checks": {"lag": {"fail": {"above": 1000}}},
        }
        config = configuration(
            broker.bootstrap_servers,
            {"orders": entry},
            dagster={"base_url": dagster_server.base_url, "report_every": report_every},
            otlp={},
        )
        config["kafka"]["fetch_max_wait"] = f"{FETCH_WAIT_MS}ms"
        started = gauge(config, **variables)
        started.wait_seen()
        return started, stream, dlq

    return start


def totals_told(dagster_server, asset_key):
    """The newest observation's metadata, empty before the first."""
    found = dagster_server.observations(asset_key, 1)
    return found[0].metadata if found else {}


@pytest.mark.real_broker
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_counts_ages_and_traces_equal_the_producers_log(
    protocol, start, producer, commit, append_times, dagster_server, otlp_receiver
):
    """Story: 3,000 records and 7 dead letters, a group that commits, a stop.

    LogAppendTime makes ages exact: every bucket on the wire must equal the one computed from the
    broker's append times (read back by another client) and the producer's log.
    """
    grpc = protocol == "grpc"
    endpoint = otlp_receiver.grpc_endpoint if grpc else otlp_receiver.http_endpoint
    started, stream, dlq = start(
        otlp_variables(endpoint, protocol), **{"message.timestamp.type": "LogAppendTime"}
    )
    truth = producer.send(stream, 3000, age_ms=lambda i: (i * 37) % 30_000)
    dead = producer.send(dlq, 7, traced_every=1)
    counts = truth.by_partition()
    commit(f"{stream}-group", stream, {p: counts.get(p, 0) - 10 for p in counts})
    asset = asset_of(stream)
    wait_until(lambda: totals_told(dagster_server, asset).get("records_total") == 3000)
    letters = asset_of(dlq)
    wait_until(lambda: totals_told(dagster_server, letters).get("dead_letters_total") == 7)
    status = wait_until(
        lambda: (s := started.stream())["groups"][f"{stream}-group"]["lag"] == 30 and s
    )
    assert status["totals"]["records"] == 3000
    assert {int(p): v["next_offset"] for p, v in status["partitions"].items()} == counts
    assert status["totals"]["event_times"]["header"] == 3000
    code, seconds = started.stop()
    assert (code, seconds < 10) == (0, True)

    # the last export holds all that was counted, partition by partition
    points = otlp_receiver.metric_points
    assert values(points("streamgauge.records"), "partition") == counts
    assert values(points("streamgauge.dead_letters"), "topic")[dlq] == 7
    lag = values(points("kafka.consumer_group.lag"), "partition")
    assert lag == dict.fromkeys(counts, 10)

    ages = ages_ms(truth, append_times(stream, truth))
    assert buckets_told(otlp_receiver) == buckets_of(ages)
    assert_exemplars_are_records(otlp_receiver, truth, ages)
    assert_spans_continue_records(otlp_receiver, stream, truth)
    dead_spans = spans_of(otlp_receiver, dlq)
    assert {span.trace_id for span in dead_spans} <= {r["trace_id"] for r in dead.records}
    assert {span.status for span in dead_spans} == {"ERROR"}


def test_create_time_ages_are_at_most_a_fetch_wait_too_large(
    start, producer, dagster_server, otlp_receiver
):
    """Receipt stands in for the append time: never too small, by at most the exported wait.

    Story: single records with gaps, so that each is live and has a bucket of its own.
    """
    started, stream, _ = start(otlp_variables(otlp_receiver.grpc_endpoint))
    ages_ms = [2_000, 20_000, 200_000, 2_000_000]
    bounds = []
    for age_ms in ages_ms:
        truth = producer.send(stream, 1, age_ms=lambda _, age_ms=age_ms: age_ms)
        acknowledged_ms = time.time_ns() // 1_000_000
        event_ms = truth.records[0]["event_ms"]
        created_ms = truth.records[0]["timestamp_ms"]
        bounds.append((created_ms - event_ms, acknowledged_ms - event_ms))
        count = len(bounds)
        wait_until(lambda count=count: started.stream()["totals"]["records"] == count)
    status = started.stream()
    assert (status["totals"]["unaged"], status["totals"]["arrival_ages"]["count"]) == (0, 4)
    assert status["resolution_ms"] == FETCH_WAIT_MS
    told_seconds = status["totals"]["arrival_ages"]["sum_seconds"]
    assert sum(low for low, _ in bounds) <= told_seconds * 1000
    # the poll loop and two loaded cores add to the fetch wait; the bound is on their sum
    assert told_seconds * 1000 <= sum(high + FETCH_WAIT_MS + 500 for _, high in bounds)
    started.stop()
    row = otlp_receiver.metric_points("streamgauge.age.resolution")[-1]
    assert row.point.value == FETCH_WAIT_MS / 1000


def test_a_dead_letter_fails_its_check_in_dagster_within_two_seconds(
    start, producer, dagster_server, otlp_receiver
):
    """From the broker's acknowledgement of the dead letter to the failing check readable."""
    _, _, dlq = start(otlp_variables(otlp_receiver.grpc_endpoint))
    letters = asset_of(dlq)

    def levels():
        return [e.metadata["level"] for e in dagster_server.check_executions(
            letters, "no_dead_letters", 5)]  # fmt: skip

    wait_until(lambda: levels()[:1] == ["pass"])
    producer.send(dlq, 1)
    began = time.monotonic()
    wait_until(lambda: levels()[:1] == ["fail"], seconds=10, every=0.02)
    assert time.monotonic() - began < 2
    newest = dagster_server.check_executions(letters, "no_dead_letters", 1)[0]
    assert (newest.passed, newest.severity) == (False, "ERROR")
    assert "1 dead letter in 2 s: unclassified" in newest.metadata["reason"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_signals_end_the_gauge_with_its_last_report(
    number, start, producer, dagster_server, otlp_receiver
):
    """A report period of an hour: only the stop can have sent the totals."""
    variables = otlp_variables(otlp_receiver.grpc_endpoint)
    started, stream, _ = start(variables, report_every="1h")
    producer.send(stream, 50)
    wait_until(lambda: started.stream()["totals"]["records"] == 50)
    code, seconds = started.stop(number)
    assert (code, seconds < 10) == (0, True)
    assert totals_told(dagster_server, asset_of(stream))["records_total"] == 50
    assert started.events("service_stopped")
