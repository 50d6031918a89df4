"""How old events are when a group has finished them, beside the truth of who wrote them."""

from __future__ import annotations

import time

import pytest

from .gauge_process import configuration, wait_until

POLL_MS = 200
LATE_MS = 200
"""How much later than the poll interval an age may be taken."""


@pytest.fixture
def stream(broker, create_topic, topic_name):
    """A topic with a group, and the gauge's configuration of both."""
    topic, group = topic_name("orders"), topic_name("billing")
    create_topic(topic, 1, {})
    config = configuration(
        broker.bootstrap_servers, {"orders": {"topic": topic, "groups": [group]}}
    )
    config["kafka"]["poll_interval"] = f"{POLL_MS}ms"
    return topic, group, config


def now_ms():
    """The clock of this machine."""
    return time.time_ns() // 1_000_000


def of_group(started, group):
    """What is counted of the group."""
    return started.stream().get("totals", {}).get("groups", {}).get(group, {})


def wait_for_commit(started, group, offset):
    """Return when a commit was seen."""

    def seen():
        view = started.stream().get("groups", {}).get(group)
        return view and view["partitions"]["0"]["committed_offset"] == offset

    wait_until(seen)


def aged(started, group):
    """How many processed ages are told, and what they sum up to in ms."""
    ages = of_group(started, group).get("aged") or {"count": 0, "sum_seconds": 0}
    return ages["count"], round(1_000 * ages["sum_seconds"])


def counted(started, group):
    """Aged, unaged and reprocessed."""
    of = of_group(started, group)
    return aged(started, group)[0], of.get("unaged"), of.get("reprocessed")


@pytest.mark.real_broker
def test_ages_are_those_of_the_commits_that_passed_the_records(stream, gauge, producer, commit):
    """None is younger than in truth, and none older by more than a poll and 0.2 s."""
    topic, group, config = stream
    started = gauge(config)
    started.wait_seen()
    commit(group, topic, {0: 0})
    wait_for_commit(started, group, 0)
    truth = sorted(
        (record["offset"], record["event_ms"])
        for record in producer.send(topic, 60, age_ms=lambda index: 1_000 * index).records
    )
    least_ms = most_ms = 0
    for first, end in ((0, 20), (20, 21), (21, 60)):
        before_ms = now_ms()
        commit(group, topic, {0: end})
        after_ms = now_ms()
        wait_until(lambda end=end: aged(started, group)[0] >= end)
        for offset, event_ms in truth[first:end]:
            assert offset < end
            least_ms += before_ms - event_ms
            most_ms += after_ms - event_ms + POLL_MS + LATE_MS
    assert counted(started, group) == (60, 0, 0)
    assert least_ms <= aged(started, group)[1] <= most_ms
    commit(group, topic, {0: 10})
    wait_for_commit(started, group, 10)
    commit(group, topic, {0: 60})
    wait_until(lambda: counted(started, group) == (60, 0, 50))
    assert started.stream()["ledger"] == {
        "exact_records": 60,
        "coarse_records": 0,
        "dropped_records": 0,
        "error_ms": 0,
    }


@pytest.mark.real_broker
def test_a_killed_gauge_ages_no_record_twice(stream, gauge, producer, commit):
    """What was passed while it was away is unaged; what is passed afterwards is aged again."""
    topic, group, config = stream
    first = gauge(config)
    first.wait_seen()
    commit(group, topic, {0: 0})
    wait_for_commit(first, group, 0)
    producer.send(topic, 30)
    commit(group, topic, {0: 10})
    wait_until(lambda: counted(first, group) == (10, 0, 0))
    first.process.kill()
    commit(group, topic, {0: 25})
    second = gauge(config)
    wait_until(lambda: counted(second, group) == (10, 15, 0))
    producer.send(topic, 20)
    second.wait_counted(50)
    commit(group, topic, {0: 50})
    # what lay before the restart and was not passed yet was read again
    wait_until(lambda: counted(second, group) == (35, 15, 0))
