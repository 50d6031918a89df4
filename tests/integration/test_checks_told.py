"""What the checks say, as somebody reads it in Dagster: who is behind, how old, how silent."""

from __future__ import annotations

from itertools import groupby

import pytest
from confluent_kafka.admin import AdminClient

from .gauge_process import asset_of, configuration, wait_until

pytestmark = pytest.mark.real_broker


@pytest.fixture
def start(gauge, broker, create_topic, topic_name, dagster_server):
    """Starter of a gauge of a new topic, which it gives beside it, with these settings."""

    def start(partitions=1, **entry):
        topic = topic_name("orders")
        create_topic(topic, partitions, {})
        config = configuration(
            broker.bootstrap_servers,
            {"orders": {"topic": topic, **entry}},
            dagster={"base_url": dagster_server.base_url, "report_every": "1s"},
        )
        started = gauge(config)
        started.wait_seen()
        return started, topic

    return start


@pytest.fixture
def verdicts(dagster_server):
    """The levels of a check in Dagster, the newest first, and its newest evaluation."""

    class Verdicts:
        def levels(self, topic, check):
            """Levels told so far."""
            found = dagster_server.check_executions(asset_of(topic), check, 50)
            return [evaluation.metadata["level"] for evaluation in found]

        def newest(self, topic, check, level):
            """The newest evaluation, once it says this level."""
            wait_until(lambda: self.levels(topic, check)[:1] == [level])
            return dagster_server.check_executions(asset_of(topic), check, 1)[0]

    return Verdicts()


def test_a_lag_warns_and_fails_with_its_group_named(start, verdicts, producer, commit, topic_name):
    """Story: a group keeps up, falls behind a little, then a lot, and catches up again."""
    group = topic_name("fulfillment")
    check = "lag__" + group.replace("-", "_")
    limits = {"warn": {"above": 10, "for": 0}, "fail": {"above": 100, "for": 0}}
    started, topic = start(groups=[group], checks={"lag": {**limits, "keep_failing_for": 0}})
    producer.send(topic, 5)
    commit(group, topic, {0: 5})
    assert verdicts.newest(topic, check, "pass").passed
    producer.send(topic, 50)
    warned = verdicts.newest(topic, check, "warn")
    assert (warned.passed, warned.severity, warned.metadata["value"]) == (False, "WARN", 50)
    assert f"the lag of {group} is 50 records" in warned.metadata["reason"]
    producer.send(topic, 60)
    failed = verdicts.newest(topic, check, "fail")
    assert (failed.passed, failed.severity) == (False, "ERROR")
    assert f"the lag of {group} is 110 records" in failed.metadata["reason"]
    commit(group, topic, {0: 115})
    assert verdicts.newest(topic, check, "pass").passed
    lines = [line for line in started.events("check_changed") if line["check"] == check]
    told = [line["standing"] for line in lines if line["standing"] != "unknown"]
    assert told == ["pass", "warn", "fail", "pass"]


def test_a_pattern_is_one_check_that_names_its_worst_group(
    start, verdicts, producer, commit, topic_name
):
    """Groups are found while the gauge runs; one that commits elsewhere is not this stream's."""
    stem = topic_name("billing")
    check = "lag__" + f"{stem}-*".replace("-", "_").replace("*", "_")
    limit = {"warn": {"above": 5}, "fail": {"above": 10, "for": 0}, "keep_failing_for": 0}
    started, topic = start(groups=[f"{stem}-*"], checks={"lag": limit})
    producer.send(topic, 40)
    commit(f"{stem}-fast", topic, {0: 39})
    commit(f"{stem}-slow/ü {{x}}", topic, {0: 12})
    failed = verdicts.newest(topic, check, "fail")
    assert f"the lag of {stem}-slow/ü {{x}} is 28 records" in failed.metadata["reason"]
    groups = started.stream()["groups"]
    assert {name: group["lag"] for name, group in groups.items()} == {
        f"{stem}-fast": 1,
        f"{stem}-slow/ü {{x}}": 28,
    }
    commit(f"{stem}-slow/ü {{x}}", topic, {0: 40})
    assert "-fast is 1 records" in verdicts.newest(topic, check, "pass").metadata["reason"]
    assert [name for name in started.stream()["checks"] if name.startswith("lag")] == [check]


def test_old_events_and_silence_fail_and_recover(start, verdicts, producer):
    """Story: fresh records, then old ones, then none for a while, then fresh ones again."""
    old = {"warn": {"above": "5m"}, "fail": {"above": "10m", "for": 0}, "keep_failing_for": 0}
    silent = {"warn": {"above": "3s", "for": 0}, "keep_failing_for": 0}
    _, topic = start(checks={"arrival_age": old, "fresh": silent})
    producer.send(topic, 10)
    assert verdicts.newest(topic, "fresh", "pass").passed
    producer.send(topic, 10, age_ms=lambda _: 3_600_000)
    failed = verdicts.newest(topic, "arrival_age", "fail")
    assert failed.severity == "ERROR"
    assert failed.metadata["value"] == pytest.approx(3_600, rel=0.05)
    warned = verdicts.newest(topic, "fresh", "warn")
    assert "has been silent for" in warned.metadata["reason"]
    producer.send(topic, 10)
    wait_until(lambda: verdicts.levels(topic, "fresh")[0] == "pass")
    wait_until(lambda: verdicts.levels(topic, "arrival_age")[0] == "pass")


def test_a_group_that_was_deleted_is_no_longer_vouched_for(
    start, broker, producer, commit, topic_name
):
    """Its committed offsets are gone: the lag is unknown, and not the last one known, nor zero."""
    group = topic_name("gone")
    started, topic = start(groups=[group])
    producer.send(topic, 10)
    commit(group, topic, {0: 10})
    wait_until(lambda: started.stream()["groups"][group]["lag"] == 0)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.delete_consumer_groups([group])[group].result(10)
    wait_until(lambda: started.stream()["groups"][group]["lag"] is None)
    check = started.stream()["checks"]["lag__" + group.replace("-", "_")]
    assert (check["level"], "no committed offset" in check["reason"]) == ("unknown", True)


def test_a_check_goes_on_failing_after_a_restart(
    gauge, broker, create_topic, topic_name, producer, verdicts, dagster_server
):
    """It says the same since the same moment, and no pass in between; later it recovers."""
    topic = topic_name("orders")
    create_topic(topic, 1, {})
    create_topic(topic + ".dlq", 1, {})
    entry = {
        "topic": topic,
        "dead_letters": [{"topic": topic + ".dlq"}],
        "checks": {"no_dead_letters": {"keep_failing_for": "25s"}},
    }
    config = configuration(
        broker.bootstrap_servers,
        {"orders": entry},
        dagster={"base_url": dagster_server.base_url, "report_every": "1s"},
    )
    first = gauge(config)
    first.wait_seen()
    producer.send(topic + ".dlq", 1)
    failed = verdicts.newest(topic + ".dlq", "no_dead_letters", "fail")
    first.process.kill()
    second = gauge(config)
    second.wait_seen()
    told = second.stream()["checks"]["no_dead_letters"]
    assert told["level"] == "fail"
    again = verdicts.newest(topic + ".dlq", "no_dead_letters", "fail")
    assert again.metadata["since"] == failed.metadata["since"]
    assert verdicts.newest(topic + ".dlq", "no_dead_letters", "pass").passed
    levels = verdicts.levels(topic + ".dlq", "no_dead_letters")
    assert [level for level, _ in groupby(reversed(levels))] == ["pass", "fail", "pass"]
