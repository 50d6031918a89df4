"""Several streams in one process: each has its own totals and checks, all share the sinks."""

from __future__ import annotations

import pytest

from .gauge_process import asset_of, configuration, otlp_variables, wait_until

SIZES = {"carts": 11, "orders": 23, "shipments": 5}


@pytest.fixture
def topics(create_topic, topic_name):
    """A topic for each stream, and one more for dead letters."""
    names = {name: topic_name(name) for name in (*SIZES, "dlq")}
    for topic in names.values():
        create_topic(topic, 2, {})
    return names


def test_streams_share_the_sinks_and_nothing_else(
    topics, broker, gauge, producer, dagster_server, otlp_receiver
):
    """What each is told under its own name equals what was written to its own topic."""
    streams = {name: {"topic": topics[name]} for name in SIZES}
    streams["orders"]["dead_letters"] = [{"topic": topics["dlq"]}]
    started = gauge(
        configuration(
            broker.bootstrap_servers,
            streams,
            dagster={"base_url": dagster_server.base_url, "report_every": "1s"},
            otlp={},
        ),
        **otlp_variables(otlp_receiver.grpc_endpoint),
    )
    started.wait_ready()
    for name in SIZES:
        started.wait_seen(name)
    for name, count in SIZES.items():
        producer.send(topics[name], count)
    producer.send(topics["dlq"], 3)
    for name, count in SIZES.items():
        started.wait_counted(count, name)
    wait_until(lambda: started.level("no_dead_letters") == "fail")
    assert started.stream("carts")["totals"]["dead_letters"] == 0
    assert "no_dead_letters" not in started.stream("carts")["checks"]
    lives = {started.stream(name)["life"] for name in SIZES}
    assert len(lives) == len(SIZES)
    for name, count in SIZES.items():
        wait_until(lambda name=name, count=count: in_dagster(dagster_server, topics[name]) == count)
    wait_until(lambda: in_collector(otlp_receiver) == SIZES)
    sinks = [started.stream(name)["sinks"] for name in SIZES]
    assert {frozenset(sink) for sink in sinks} == {
        frozenset({"dagster", "otlp_metrics", "otlp_traces"})
    }
    code, _ = started.stop()
    assert code == 0


def in_dagster(dagster_server, topic):
    """Total of records in the newest observation of a topic's asset."""
    found = dagster_server.observations(asset_of(topic), 1)
    return found[0].metadata.get("records_total") if found else None


def in_collector(receiver):
    """Newest total of records by stream, summed over partitions."""
    newest = {}
    for row in receiver.metric_points("streamgauge.records"):
        assert row.resource["service.instance.id"] == row.attributes["stream"]
        newest[row.attributes["stream"], row.attributes["partition"]] = row.point.value
    totals = {}
    for (stream, _), value in newest.items():
        totals[stream] = totals.get(stream, 0) + value
    return totals


def test_probes_and_status_have_their_documented_shape(topics, broker, gauge, producer):
    """What a script or an orchestrator relies on, over a whole run."""
    entry = {
        "topic": topics["orders"],
        "groups": ["fulfillment"],
        "dead_letters": [{"topic": topics["dlq"]}],
    }
    started = gauge(configuration(broker.bootstrap_servers, {"orders": entry}))
    assert started.get("/livez").json() == {"live": True}
    started.wait_ready()
    assert started.get("/readyz").json() == {"ready": True, "waiting": {}}
    started.wait_seen()
    producer.send(topics["orders"], 4)
    started.wait_counted(4)
    answer = started.get("/status")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    document = answer.json()
    assert (document["schema"], set(document["streams"])) == (1, {"orders"})
    stream = document["streams"]["orders"]
    assert (stream["topic"], stream["completeness"]) == (topics["orders"], 1)
    assert set(stream["partitions"]) == {"0", "1"}
    assert (stream["watched_groups"], list(stream["groups"])) == (["fulfillment"], ["fulfillment"])
    assert stream["groups"]["fulfillment"]["lag"] is None
    assert set(stream["dead_letters"]) == {topics["dlq"]}
    assert stream["totals"]["records"] == 4
    window = wait_until(lambda: started.stream()["last_window"])
    assert (window["end_ms"] % 2000, window["completeness"]) == (0, 1)
    assert {name: check["level"] for name, check in stream["checks"].items()} == {
        "arrival_age": "pass",
        "data_loss__fulfillment": "pass",
        "forecast__fulfillment": "pass",
        "fresh": "pass",
        "group_status__fulfillment": "unknown",
        "lag__fulfillment": "unknown",
        "processed_age__fulfillment": "pass",
        "time_lag__fulfillment": "unknown",
        "no_dead_letters": "pass",
        "dead_letter_share": "pass",
        "no_new_cause": "pass",
    }
    assert stream["sinks"] == {}
    assert started.get("/nothing").status_code == 404
