"""The gauge's metrics and spans behind a real collector that runs the shipped configuration."""

from __future__ import annotations

import httpx
import pytest

from .gauge_process import configuration, otlp_variables, wait_until
from .wire import (
    ages_ms,
    assert_exemplars_are_records,
    assert_spans_continue_records,
    buckets_of,
    buckets_told,
    latest,
    spans_of,
    values,
)


@pytest.fixture
def stamped(broker):
    """Topic configuration that makes ages exact, where the broker has one."""
    return {} if broker.kind == "mock" else {"message.timestamp.type": "LogAppendTime"}


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_what_comes_out_of_the_collector_equals_the_producers_log(
    protocol, launch_collector, stamped, gauge, broker, create_topic, topic_name, producer,
    commit, append_times,
):  # fmt: skip
    """Story: 3,000 records and 7 dead letters, a group that commits, a stop of both processes."""
    collector = launch_collector()
    grpc = protocol == "grpc"
    endpoint = collector.grpc_endpoint if grpc else collector.http_endpoint
    stream, dlq, group = topic_name("orders"), topic_name("dlq"), topic_name("group")
    create_topic(stream, 3, stamped)
    create_topic(dlq, 1, {})
    entry = {"topic": stream, "groups": [group], "dead_letters": [{"topic": dlq}]}
    config = configuration(broker.bootstrap_servers, {"orders": entry}, otlp={})
    started = gauge(config, **otlp_variables(endpoint, protocol))
    started.wait_seen()
    truth = producer.send(stream, 3000, age_ms=lambda i: (i * 37) % 30_000)
    dead = producer.send(dlq, 7, traced_every=1)
    counts = truth.by_partition()
    commit(group, stream, {partition: count - 10 for partition, count in counts.items()})
    started.wait_counted(3000)
    wait_until(lambda: started.stream()["totals"]["dead_letters"] == 7)
    wait_until(lambda: started.stream()["groups"][group]["lag"] == 10 * len(counts))
    assert started.stop()[0] == 0
    assert not started.events("otlp_failing")
    scraped = httpx.get(collector.scrape_url, timeout=5).text
    collector.shut_down()

    out = collector.out
    assert values(out.metric_points("streamgauge.records"), "partition") == counts
    assert values(out.metric_points("streamgauge.dead_letters"), "topic") == {dlq: 7}
    lag = values(out.metric_points("kafka.consumer_group.lag"), "partition")
    assert lag == dict.fromkeys(counts, 10)

    if stamped:
        ages = ages_ms(truth, append_times(stream, truth))
        assert buckets_told(out) == buckets_of(ages)
        assert_exemplars_are_records(out, truth, ages)
    else:  # all that is known of the ages: each record has one, or is told to have none
        told = latest(out.histograms("streamgauge.event.age"), "partition")
        unaged = values(out.metric_points("streamgauge.records.unaged"), "partition")
        assert {p: point.count + unaged.get(p, 0) for (p,), point in told.items()} == counts
        assert_exemplars_are_records(out, truth)
    assert_spans_continue_records(out, stream, truth)
    dead_spans = spans_of(out, dlq)
    assert {span.trace_id for span in dead_spans} == {r["trace_id"] for r in dead.records}
    assert {span.status for span in dead_spans} == {"ERROR"}

    # the names that docs/metrics.md gives for Prometheus
    assert "\nkafka_consumer_group_lag_ratio{" in scraped
    assert "\nstreamgauge_event_age_seconds_count{" in scraped
    assert "\nstreamgauge_records_total{" in scraped
