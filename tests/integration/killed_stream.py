"""A stream under load whose gauge is killed again and again."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

from .gauge_process import GaugeProcess, asset_of, wait_until
from .restart_truth import After, counts_of, judge, late, sequences, unaccounted
from .truthful import Truthful

BEGUN_SECONDS = 90.0
"""Until a gauge counts: a first one may ask a Dagster for 15 s that is away."""
NAMES = ("records", "dead_letters")


class KilledStream:
    """One topic and its dead letter topic, with what was written to them and who was killed.

    Attributes:
        killed: how often a gauge was killed, by how far it had come.
    """

    def __init__(self, topic, config, folder, bootstrap_servers, moments, seed):
        self.topic = topic
        self.killed = Counter()
        self._config = config
        self._folder = folder
        self._moments = moments
        self._seed = seed
        self._writers = Truthful(bootstrap_servers), Truthful(bootstrap_servers)
        self._over = threading.Event()
        self._records = []
        self._dead_letters = []

    def load(self):
        """Write until the kills are over; the truth is what was acknowledged."""
        rng = random.Random(self._seed)  # noqa: S311 - a repeatable load
        writer, _ = self._writers
        while not self._over.wait(0.1):
            self._records += _addresses(writer.send(self.topic, 20))
            if rng.random() < 0.2:
                self._dead_letters += _addresses(writer.send(self.topic + ".dlq", 1))

    def kill(self, way):
        """Start a gauge and kill it, at one moment after the other; `way` is its to Dagster."""
        try:
            for number, moment in enumerate(self._moments):
                gauge = self._start(number)
                try:
                    self._await(moment.after, gauge, way)
                    time.sleep(moment.seconds)
                    assert gauge.process.poll() is None, gauge.lines
                finally:
                    gauge.process.kill()
                    gauge.close()
                self.killed[_reached(gauge)] += 1
        finally:
            self._over.set()

    def _await(self, after, gauge, way):
        if after is After.START:
            return
        wait_until(lambda: gauge.stream().get("completeness") == 1, BEGUN_SECONDS)
        if after is After.REPORT:
            way.await_report(asset_of(self.topic), BEGUN_SECONDS)
        else:
            _, writer = self._writers
            self._dead_letters += _addresses(writer.send(self.topic + ".dlq", 1))

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
            wait_until(lambda: self._told(gauge) == (len(self._records), len(self._dead_letters)))
            assert gauge.stop()[0] == 0
        finally:
            gauge.close()

    def _told(self, gauge):
        totals = gauge.stream()["totals"]
        return totals["records"], totals["dead_letters"]

    def judged(self, dagster):
        """Hold all that Dagster has of the stream against the truth; give what there was of it."""
        stored = _metadata(dagster, asset_of(self.topic))
        dead_letters = _metadata(dagster, asset_of(self.topic + ".dlq"))
        totals = {"records": len(self._records), "dead_letters": len(self._dead_letters)}
        dead = {"dead_letters": len(self._dead_letters)}
        life = judge(stored, counts_of(self._records), **totals)
        assert life == judge(dead_letters, counts_of(self._dead_letters), **dead)
        assert unaccounted(stored) == []
        twice = [
            len(stored) - len(sequences(stored, *totals)),
            len(dead_letters) - len(sequences(dead_letters, *dead)),
        ]
        return Counter(
            totals,
            reports=len(stored) + len(dead_letters),
            twice=sum(twice),
            late=late(stored, *totals) + late(dead_letters, *dead),
        )

    def _start(self, name):
        folder = self._folder / f"{self.topic}-{name}"
        folder.mkdir()
        return GaugeProcess(folder, self._config, {})


def _addresses(truth):
    return [(each["partition"], each["offset"]) for each in truth.records]


def _metadata(dagster, asset):
    """Of all observations, in the order in which they were stored."""
    return [each.metadata for each in dagster.observations(asset, 10_000)][::-1]


def _reached(gauge):
    """How far a gauge had come when it was killed."""
    told = {line.get("event") for line in gauge.lines}
    if told & {"partitions_assigned", "state_restored"}:
        return "counting"
    return "waiting" if "service_started" in told else "starting"
