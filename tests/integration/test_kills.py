"""Gauges that are killed at random moments under load lose nothing and count nothing twice.

`make restarts KILLS=200` does more of it: kills without other faults, and as many with a Dagster
that is killed, hangs, resets connections, or answers 500 after having stored.
"""

from __future__ import annotations

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from streamgauge_demo.parts.dagster_server import launch_dagster_server

from .faulty_dagster import FAULTS, FaultyDagster
from .gauge_process import GaugeProcess, asset_of, configuration, wait_until
from .restart_truth import judge, sequences
from .truthful import Truthful

KILLS = int(os.environ.get("STREAMGAUGE_KILLS", "8"))
SEED = int(os.environ.get("STREAMGAUGE_SEED", "5"))
STREAMS = 4
"""Side by side, for a killed gauge's group waits 6 s for the next member most of the time."""
LATEST_KILL_SECONDS = 13.0
"""After the start of a gauge: it starts, waits for the group, adopts, counts and tells by then."""
PARTITIONS = 3

pytestmark = [
    pytest.mark.real_broker,
    pytest.mark.timeout(260 + 15 * KILLS // STREAMS),
]


class Watched:
    """One stream under load, the gauge of which is killed again and again."""

    def __init__(self, topic, config, folder, broker, seed):
        self.topic = topic
        self._config = config
        self._folder = folder
        self._rng = random.Random(seed)  # noqa: S311 - a repeatable schedule
        self._producer = Truthful(broker.bootstrap_servers)
        self._loaded = threading.Event()
        self.counts = dict.fromkeys(range(PARTITIONS), 0)
        self.dead_letters = 0
        self.killed_at = []
        """Events that each killed gauge had told."""

    def load(self):
        """Write until the kills are over; the truth is what was acknowledged."""
        while not self._loaded.wait(0.1):
            for partition, count in self._producer.send(self.topic, 20).by_partition().items():
                self.counts[partition] += count
            if self._rng.random() < 0.2:
                self._producer.send(self.topic + ".dlq", 1)
                self.dead_letters += 1

    def kill(self, times):
        """Start and kill a gauge so many times, each time at another moment."""
        try:
            for number in range(times):
                gauge = self._start(number)
                try:
                    time.sleep(self._rng.uniform(0.0, LATEST_KILL_SECONDS))
                    assert gauge.process.poll() is None, gauge.lines
                finally:
                    gauge.process.kill()
                    gauge.close()
                self.killed_at.append({line.get("event") for line in gauge.lines})
        finally:
            self._loaded.set()

    def meet(self, everything):
        """Let a gauge report until it has met everything, for which few kills leave no time."""
        gauge = self._start("meeting")
        try:
            wait_until(everything, 90)
        finally:
            gauge.process.kill()
            gauge.close()

    def finish(self):
        """Let a last gauge tell everything, and end it in order."""
        gauge = self._start("last")
        try:
            gauge.wait_seen()
            wait_until(lambda: self._told(gauge) == (sum(self.counts.values()), self.dead_letters))
            assert gauge.stop()[0] == 0
        finally:
            gauge.close()

    def _told(self, gauge):
        totals = gauge.stream()["totals"]
        return totals["records"], totals["dead_letters"]

    def _start(self, name):
        folder = self._folder / f"{self.topic}-{name}"
        folder.mkdir()
        return GaugeProcess(folder, self._config, {})


@pytest.fixture
def watched(broker, create_topic, topic_name, tmp_path):
    """Streams with their load: `watched(base_url)`."""

    def make(base_url):
        streams = []
        for number in range(STREAMS):
            topic = topic_name("orders")
            create_topic(topic, PARTITIONS, {})
            create_topic(topic + ".dlq", 1, {})
            entry = {"topic": topic, "dead_letters": [{"topic": topic + ".dlq"}]}
            entry["start_from"] = "earliest"  # a gauge that is killed before it has planted
            dagster = {"base_url": base_url, "report_every": "1s", "timeout": "2s"}
            config = configuration(broker.bootstrap_servers, {"orders": entry}, dagster=dagster)
            streams.append(Watched(topic, config, tmp_path, broker, f"{SEED}-{number}"))
        return streams

    return make


def run(streams):
    """Load all streams, and kill their gauges."""
    shares = [KILLS // STREAMS + (number < KILLS % STREAMS) for number in range(STREAMS)]
    with ThreadPoolExecutor(2 * STREAMS) as pool:
        loads = [pool.submit(stream.load) for stream in streams]
        kills = [pool.submit(stream.kill, n) for stream, n in zip(streams, shares, strict=True)]
        for done in (*kills, *loads):
            done.result()


def judged(streams, dagster):
    """Hold everything in Dagster against the truth; give one line about it."""
    reports = doubled = records = 0
    for stream in streams:
        stream.finish()
        told = [each.metadata for each in dagster.observations(asset_of(stream.topic), 5000)]
        judge(told, stream.counts, stream.dead_letters)
        reports += len(told)
        doubled += len(told) - len(sequences(told))
        records += sum(stream.counts.values())
    killed = [events for stream in streams for events in stream.killed_at]
    counting = sum("partitions_assigned" in each or "state_restored" in each for each in killed)
    return (
        f"{len(killed)} kills (seed {SEED}), {counting} of a gauge that had begun to count; "
        f"{records} records, {reports} reports, {doubled} of them stored twice; 0 lost, 0 doubled"
    )


def test_kills_lose_and_double_nothing(watched, dagster_server):
    """The greatest totals in Dagster are what was produced, by partition, never a step back."""
    streams = watched(dagster_server.base_url)
    run(streams)
    print(f"\nrestarts: {judged(streams, dagster_server)}")  # noqa: T201 - the result


def test_kills_beside_a_faulty_dagster_lose_and_double_nothing(watched):
    """Whatever becomes of a report: stored and denied, cut off, left hanging, refused."""
    with launch_dagster_server() as server:
        way = FaultyDagster(server.base_url, SEED)
        try:
            streams = watched(way.base_url)
            over = threading.Event()
            with ThreadPoolExecutor(1) as pool:
                outages = pool.submit(_kill_dagster, server, over)
                try:
                    run(streams)
                    streams[0].meet(lambda: {*FAULTS, "away", "passed"} <= way.done.keys())
                finally:
                    over.set()
                killed = outages.result()
            way.share = 0.0
            line = judged(streams, server)
        finally:
            way.close()
    done = dict(sorted(way.done.items()))
    assert killed
    print(f"\nrestarts: {line}; Dagster killed {killed} times; reports {done}")  # noqa: T201


def _kill_dagster(server, over):
    """Kill and restart the webserver until it is over; give how often."""
    killed = 0
    while not over.wait(7.0):
        server.kill()
        killed += 1
        over.wait(2.5)
        server.restart()
    return killed
