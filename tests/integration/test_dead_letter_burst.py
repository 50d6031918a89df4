"""A gauge that is killed amid a burst of dead letters: each one is counted once, and bounded."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest
from confluent_kafka import Producer

from streamgauge.dagster.payloads import PAYLOAD_MAX
from streamgauge_demo.parts.metered_way import MeteredWay
from streamgauge_demo.parts.recorded_letters import recorded_letters

from .gauge_process import asset_of, configuration, wait_until

LETTERS = Path(__file__).parents[1] / "data" / "dead-letters"
COUNT = 2_000
PART = 500
"""Of them, which a gauge has counted when the others come."""
PARTITIONS = 3
RECORDS = 300
"""Of the stream; the dead letters are about them, again and again."""

pytestmark = [pytest.mark.real_broker, pytest.mark.timeout(240)]


class Burst:
    """Appends dead letters; the truth is what was acknowledged.

    Attributes:
        acknowledged: offsets by partition.
    """

    def __init__(self, bootstrap_servers, topic):
        self.acknowledged = Counter()
        self._letters = recorded_letters(LETTERS)
        self._producer = Producer({"bootstrap.servers": bootstrap_servers, "log_level": 0})
        self._topic = topic
        self._number = 0

    def append(self, count):
        """Append so many more, and return when they are in the log."""
        for number in range(self._number, self._number + count):
            at = number % RECORDS
            letter = self._letters[number % len(self._letters)].about(self._topic, at % 3, at // 3)
            self._producer.produce(
                self._topic + ".dlq", letter.value, letter.key, headers=list(letter.headers),
                on_delivery=self._note,
            )  # fmt: skip
            self._producer.poll(0)
        self._number += count
        assert self._producer.flush(30) == 0

    def _note(self, error, message):
        assert error is None, error
        self.acknowledged[message.partition()] += 1


@pytest.fixture
def way(dagster_server):
    """A way to Dagster on which sizes are noted."""
    with MeteredWay(dagster_server.base_url) as metered:
        yield metered


@pytest.fixture
def stream(broker, create_topic, topic_name, producer, way):
    """A topic with records that a burst can be about, and the gauge's configuration of it."""
    topic = topic_name("orders")
    create_topic(topic, PARTITIONS, {})
    create_topic(topic + ".dlq", PARTITIONS, {})
    for partition in range(PARTITIONS):
        producer.send(topic, RECORDS // PARTITIONS, partition=partition)
    entry = {
        "topic": topic,
        "start_from": "earliest",
        "dead_letters": [{"topic": topic + ".dlq"}],
    }
    dagster = {"base_url": way.base_url, "report_every": "1s"}
    return topic, configuration(broker.bootstrap_servers, {"orders": entry}, dagster=dagster)


def told(gauge):
    """How many dead letters it has counted; 0 before its first snapshot."""
    return gauge.stream().get("totals", {}).get("dead_letters", 0)


def test_a_killed_gauge_counts_a_burst_once(stream, gauge, broker, way, dagster_server):
    """It has counted a part, dies while most of them come, and another one goes on."""
    topic, config = stream
    burst = Burst(broker.bootstrap_servers, topic)
    first = gauge(config)
    first.wait_seen()
    burst.append(PART)
    wait_until(lambda: told(first) == PART)
    rest = threading.Thread(target=burst.append, args=(COUNT - PART,))
    rest.start()
    wait_until(lambda: burst.acknowledged.total() > PART, every=0.001)
    first.process.kill()
    rest.join()
    assert burst.acknowledged.total() == COUNT
    second = gauge(config)
    restored = second.wait_for("state_restored")
    assert restored["records"] == RECORDS
    assert restored["dead_letters"] < COUNT, "it was not killed in the middle"
    second.wait_seen()
    wait_until(lambda: told(second) >= COUNT)
    document = second.stream()
    totals, letters = document["totals"], document["dead_letters"][topic + ".dlq"]
    assert (totals["dead_letters"], totals["retrying"]) == (COUNT, 0)
    assert sum(totals["causes"].values()) + totals["other_causes"] == COUNT
    assert letters["dead_letters"] == COUNT
    assert 0 < letters["death_ages"]["count"] <= COUNT
    assert letters["append_to_death"]["count"] <= COUNT
    offsets = {int(number): at["next_offset"] for number, at in letters["partitions"].items()}
    assert offsets == burst.acknowledged
    asset = asset_of(topic + ".dlq")
    assert second.stop()[0] == 0
    newest = dagster_server.observations(asset, 1)[0].metadata
    assert newest["dead_letters_total"] == COUNT
    assert max(len(each.body) for each in way.passed) <= PAYLOAD_MAX
