"""Gauges that are killed at random moments under load lose nothing and count nothing twice.

`make restarts KILLS=200` does more of it: kills without other faults, and as many with a Dagster
that is killed, hangs, resets connections, stores late, or answers 500 after having stored.
"""

from __future__ import annotations

import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from streamgauge_demo.parts.dagster_server import launch_dagster_server

from .faulty_dagster import FAULTS, FaultyDagster
from .gauge_process import configuration, wait_until
from .killed_stream import KilledStream
from .restart_truth import schedule

KILLS = int(os.environ.get("STREAMGAUGE_KILLS", "8"))
SEED = int(os.environ.get("STREAMGAUGE_SEED", "5"))
STREAMS = 4
"""Side by side, for a killed gauge's group waits 6 s for the next member most of the time."""
PARTITIONS = 3

pytestmark = [
    pytest.mark.real_broker,
    pytest.mark.timeout(260 + 15 * KILLS // STREAMS),
]


@pytest.fixture
def streams(broker, create_topic, topic_name, tmp_path):
    """Streams whose gauges report to an address: `streams(base_url)`."""

    def make(base_url):
        made = []
        for number in range(STREAMS):
            topic = topic_name("orders")
            create_topic(topic, PARTITIONS, {})
            create_topic(topic + ".dlq", 1, {})
            entry = {"topic": topic, "dead_letters": [{"topic": topic + ".dlq"}]}
            entry["start_from"] = "earliest"  # a gauge that is killed before it has planted
            dagster = {"base_url": base_url, "report_every": "1s", "timeout": "2s"}
            config = configuration(broker.bootstrap_servers, {"orders": entry}, dagster=dagster)
            seed = f"{SEED}-{number}"
            moments = schedule(seed, KILLS // STREAMS + (number < KILLS % STREAMS))
            stream = KilledStream(topic, config, tmp_path, broker.bootstrap_servers, moments, seed)
            made.append(stream)
        return made

    return make


def run(streams, way):
    """Load all streams, and kill their gauges."""
    with ThreadPoolExecutor(2 * len(streams)) as pool:
        loads = [pool.submit(stream.load) for stream in streams]
        kills = [pool.submit(stream.kill, way) for stream in streams]
        for done in (*kills, *loads):
            done.result()


def judged(streams, dagster, way):
    """Hold everything in Dagster against the truth; give one line about it, and how many late."""
    for stream in streams:
        stream.finish()
    wait_until(way.all_stored)
    killed = sum((stream.killed for stream in streams), Counter())
    found = sum((stream.judged(dagster) for stream in streams), Counter())
    line = (
        f"{killed.total()} kills, {found['reports']} reports, 0 lost, 0 doubled; seed {SEED}; "
        f"{found['records']} records and {found['dead_letters']} dead letters; "
        f"gauges were {dict(killed)}; {found['twice']} reports stored twice, {found['late']} late; "
        f"requests {dict(sorted(way.done.items()))}"
    )
    return line, found["late"]


def test_kills_lose_and_double_nothing(streams, dagster_server):
    """The greatest totals in Dagster are what was produced, by partition, never a step back."""
    way = FaultyDagster(dagster_server.base_url, SEED, share=0.0)
    try:
        killed = streams(way.base_url)
        run(killed, way)
        line, late = judged(killed, dagster_server, way)
    finally:
        way.close()
    assert late == 0
    print(f"\nrestarts: {line}")  # noqa: T201 - the result


def test_kills_beside_a_faulty_dagster_lose_and_double_nothing(streams):
    """Whatever becomes of a report: stored and denied, cut off, left hanging, late, refused."""
    with launch_dagster_server() as server:
        way = FaultyDagster(server.base_url, SEED)
        try:
            killed = streams(way.base_url)
            over = threading.Event()
            with ThreadPoolExecutor(1) as pool:
                outages = pool.submit(_kill_dagster, server, over)
                try:
                    run(killed, way)
                    everything = {*FAULTS, "away", "passed", "questions"}
                    killed[0].meet(lambda: everything <= way.done.keys())
                finally:
                    over.set()
                times = outages.result()
            way.share = 0.0
            line, _ = judged(killed, server, way)
        finally:
            way.close()
    assert times
    print(f"\nrestarts: {line}; Dagster killed {times} times")  # noqa: T201 - the result


def _kill_dagster(server, over):
    """Kill and restart the webserver until it is over; give how often."""
    rng = random.Random(SEED)  # noqa: S311 - a repeatable schedule
    killed = 0
    while not over.wait(rng.uniform(2.0, 12.0)):
        server.kill()
        killed += 1
        over.wait(rng.uniform(0.0, 5.0))
        server.restart()
    return killed
