"""What ten thousand dead letters within about a second do to a stream that is being read.

Run: `python benchmarks/dead_letter_burst.py [--rounds=5]`. It starts an Apache Kafka, which takes
Java, a webserver of Dagster and the gauge as a process, and lasts some minutes. The stream is read
in two ways: "tail", where it comes at a steady rate, and "backlog", where a gauge that has just
started reads millions of records as fast as it can. Rounds of three kinds take turns:

- quiet: no burst.
- elsewhere: the burst goes to a topic that nobody watches. The producer and the broker have as much
  to do as in the next kind, on the same processors; so this is what a burst is compared with.
- burst: it goes to the stream's dead letter topic.

The dead letters are those that real frameworks wrote, each made to be about a record of the stream
of its own. Ratios are taken within a round, and told as the median of all rounds between the least
and the greatest:

- records/s: records of the stream that were counted in the seconds after the burst began.
- p99, mean: of the ages on arrival of these records, which the gauge ages by its own receipt.

"told" is the time from the acknowledgement of the last dead letter until all were counted, "ms a
letter" what the gauge took of the processor beyond the kind before, through the dead letters.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from backlog import APPEND_TIME, PARTITIONS, BacklogWriter
from gauge_process import GaugeProcess
from letter_burst import LETTERS, Burst, BurstWriter
from steady_stream import SteadyStream
from tables import print_machine

from streamgauge.dagster.payloads import PAYLOAD_MAX
from streamgauge_demo.parts.broker_java import launch_java_broker
from streamgauge_demo.parts.dagster_server import launch_dagster_server
from streamgauge_demo.parts.metered_way import MeteredWay

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from letter_burst import Appended

    from streamgauge_demo.parts.broker_contract import Broker
    from streamgauge_demo.parts.metered_way import Passed

KINDS: Final = ("quiet", "elsewhere", "burst")
DEAD_LETTER_PARTITIONS: Final = 4
WARM_UP_SECONDS: Final = 8.0
LOOK_SECONDS: Final = 0.05
TIMEOUT_SECONDS: Final = 120.0
REST_SECONDS: Final = 2.0
"""After a burst, for what it leaves to do."""
LEAST_SHARE: Final = 0.9
"""Of the rate without a burst that is to be left."""

Stream = dict[str, Any]


@dataclass(slots=True)
class Round:
    """What was measured of one round of one kind."""

    rate: float
    """Records of the stream per second."""
    cpu_seconds: float
    """Of the gauge, until all was counted."""
    p99_ms: float = 0.0
    mean_ms: float = 0.0
    append_seconds: float = 0.0
    told_seconds: float = 0.0
    requests: list[Passed] = field(default_factory=list)
    """To Dagster, until all was counted."""


Rounds = list[dict[str, Round]]


class LetterWatch:
    """Looks at a gauge again and again, until it has counted all dead letters.

    Args:
        gauge: which.
        letters: how many there will be since it began to count.
    """

    def __init__(self, gauge: GaugeProcess, letters: int) -> None:
        self._gauge = gauge
        self._letters = letters
        self._told_seconds: float | None = None

    def look(self) -> Stream:
        """What it says now."""
        time.sleep(LOOK_SECONDS)
        stream = self._gauge.stream()
        if self._told_seconds is None and _letters(stream) >= self._letters:
            self._told_seconds = time.monotonic()
        return stream

    def await_all(self, appended: Appended | None) -> float:
        """Seconds from the last acknowledgement until all were told, 0 without a burst.

        Raises:
            RuntimeError: they were not told in time, or more than there were.
        """
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while self._told_seconds is None and time.monotonic() < deadline:
            self.look()
        time.sleep(REST_SECONDS)
        told = _letters(self.look())
        if told != self._letters or self._told_seconds is None:
            raise RuntimeError(f"{told} dead letters are told, {self._letters} were appended")
        return max(0.0, self._told_seconds - appended.ended_seconds) if appended else 0.0


class Bench:
    """One broker, one webserver, and what appends a burst."""

    def __init__(
        self, broker: Broker, way: MeteredWay, writer: BurstWriter, given: argparse.Namespace
    ) -> None:
        self._broker = broker
        self._way = way
        self._writer = writer
        self._given = given
        broker.create_topic("elsewhere", DEAD_LETTER_PARTITIONS)

    def tailed(self) -> Rounds:
        """Rounds of a stream that comes at a steady rate, read by one gauge."""
        self._broker.create_topic("steady", PARTITIONS)
        self._broker.create_topic("steady_dlq", DEAD_LETTER_PARTITIONS)
        servers, rounds, letters = self._broker.bootstrap_servers, [], 0
        with (
            GaugeProcess(self._settings("steady", "steady_dlq")) as gauge,
            SteadyStream(servers, "steady", self._given.rate) as stream,
        ):
            gauge.await_stream(lambda each: each["completeness"] == 1)
            time.sleep(WARM_UP_SECONDS)
            for number in range(self._given.rounds):
                done = {}
                for kind in _in_turn(number):
                    letters += self._given.letters * (kind == "burst")
                    done[kind] = self._tailed_once(gauge, kind, letters)
                rounds.append(done)
            stream.end()
            gauge.await_stream(lambda each: each["totals"]["records"] == stream.acknowledged)
        return rounds

    def _tailed_once(self, gauge: GaugeProcess, kind: str, letters: int) -> Round:
        ends = [each["next_offset"] for each in gauge.stream()["partitions"].values()]
        offset = min(ends) - -(-self._given.letters // PARTITIONS)
        self._prepare(kind, Burst("steady_dlq", "steady", PARTITIONS, offset))
        before, cpu_seconds, began = _at(gauge, time.time()), gauge.cpu_seconds, time.monotonic()
        watch, after = LetterWatch(gauge, letters), before
        self._go(kind)
        while time.monotonic() < began + self._given.seconds:
            after = watch.look()
        appended = self._appended(kind)
        return Round(
            rate=_rate(before, after),
            p99_ms=_age_ms(before, after, 0.99),
            mean_ms=_mean_ms(before, after),
            told_seconds=watch.await_all(appended),
            append_seconds=appended.seconds if appended else 0.0,
            cpu_seconds=gauge.cpu_seconds - cpu_seconds,
            requests=self._way.since(began),
        )

    def read_back(self) -> Rounds:
        """Rounds of a backlog, each read by a gauge of its own."""
        backlog = BacklogWriter(self._broker, "lz4").write("backlog", self._given.records)
        rounds = []
        for number in range(self._given.rounds):
            done = {}
            for kind in _in_turn(number):
                dead = f"backlog_dlq_{number}_{kind}"
                self._broker.create_topic(dead, DEAD_LETTER_PARTITIONS, APPEND_TIME)
                self._prepare(kind, Burst(dead, "backlog", PARTITIONS, 0))
                with GaugeProcess(self._settings("backlog", dead)) as gauge:
                    done[kind] = self._read_once(gauge, kind, backlog.records)
            rounds.append(done)
        return rounds

    def _read_once(self, gauge: GaugeProcess, kind: str, records: int) -> Round:
        before = gauge.await_stream(lambda each: each["totals"]["records"] > 0)
        cpu_seconds, began = gauge.cpu_seconds, time.monotonic()
        watch, after = LetterWatch(gauge, self._given.letters * (kind == "burst")), before
        self._go(kind)
        while (stream := watch.look())["totals"]["records"] < records:
            after = stream  # the last tick that has not all of it
        appended = self._appended(kind)
        return Round(
            rate=_rate(before, after),
            told_seconds=watch.await_all(appended),
            append_seconds=appended.seconds if appended else 0.0,
            cpu_seconds=gauge.cpu_seconds - cpu_seconds,
            requests=self._way.since(began),
        )

    def _prepare(self, kind: str, burst: Burst) -> None:
        if kind == "elsewhere":
            burst = Burst("elsewhere", burst.about, burst.partitions, burst.offset)
        if kind != "quiet":
            self._writer.prepare(burst)

    def _go(self, kind: str) -> None:
        if kind != "quiet":
            self._writer.go()

    def _appended(self, kind: str) -> Appended | None:
        if kind == "quiet":
            return None
        appended = self._writer.appended()
        if appended.letters != self._given.letters:
            raise RuntimeError(f"{appended.letters} of {self._given.letters} were acknowledged")
        return appended

    def _settings(self, topic: str, dead_letters: str) -> dict[str, Any]:
        return {
            "kafka": {"bootstrap_servers": self._broker.bootstrap_servers},
            "dagster": {"base_url": self._way.base_url, "report_every": "2s"},
            "streams": {
                "bench": {
                    "topic": topic,
                    "asset_key": ["bench", dead_letters],  # what is told of it is of no other gauge
                    "start_from": "earliest",
                    "window": "10s",
                    "dead_letters": [{"topic": dead_letters}],
                    "state_group": f"streamgauge.{dead_letters}",
                }
            },
        }


def _in_turn(number: int) -> Iterator[str]:
    """All kinds, another one first each time."""
    return (KINDS[(number + each) % len(KINDS)] for each in range(len(KINDS)))


def _at(gauge: GaugeProcess, seconds: float) -> Stream:
    """The first snapshot that is not older than this time of the wall clock."""
    return gauge.await_stream(lambda each: each["as_of_ms"] >= seconds * 1000)


def _letters(stream: Stream) -> int:
    letters: int = stream["totals"]["dead_letters"]
    return letters


def _rate(before: Stream, after: Stream) -> float:
    """Records per second of the snapshots' own clock."""
    records = after["totals"]["records"] - before["totals"]["records"]
    return float(records / max(1, after["as_of_ms"] - before["as_of_ms"]) * 1000)


def _ages(before: Stream, after: Stream) -> tuple[Stream, Stream]:
    return before["totals"]["arrival_ages"], after["totals"]["arrival_ages"]


def _mean_ms(before: Stream, after: Stream) -> float:
    past, now = _ages(before, after)
    count = now["count"] - past["count"]
    return float((now["sum_seconds"] - past["sum_seconds"]) / max(1, count) * 1000)


def _age_ms(before: Stream, after: Stream, share: float) -> float:
    """A quantile of the ages between two snapshots, evenly spread within its bucket."""
    past, now = _ages(before, after)
    counts = np.array(now["bucket_counts"], dtype=np.int64)
    counts[: len(past["bucket_counts"])] -= np.array(past["bucket_counts"], dtype=np.int64)
    zeros = now["zero_count"] - past["zero_count"]
    wanted = share * (zeros + counts.sum()) - zeros
    if wanted <= 0:
        return 0.0
    reached = np.cumsum(counts)
    place = int(np.searchsorted(reached, wanted))
    within = (wanted - (reached[place] - counts[place])) / counts[place]
    return float(2 ** ((now["offset"] + place + within) / 2 ** now["scale"]) * 1000)


def print_rounds(name: str, rounds: Rounds, letters: int) -> float:
    """Print one line per kind and the ratios; give the median share of the rate that is left."""
    write = sys.stdout.write
    write(f"\n{name:12}{'records/s':>12}{'p99 ms':>9}{'mean ms':>9}{'CPU s':>8}")
    write(f"{'appended s':>12}{'told s':>8}\n")
    for kind in KINDS:
        every = [each[kind] for each in rounds]
        write(f"{kind:12}{_middle(every, 'rate'):12,.0f}{_middle(every, 'p99_ms'):9.1f}")
        write(f"{_middle(every, 'mean_ms'):9.1f}{_middle(every, 'cpu_seconds'):8.2f}")
        write(f"{_middle(every, 'append_seconds'):12.2f}{_middle(every, 'told_seconds'):8.2f}\n")
    for other in ("elsewhere", "quiet"):
        for column in ("rate", "p99_ms", "mean_ms"):
            ratios = [
                getattr(each["burst"], column) / getattr(each[other], column)
                for each in rounds
                if getattr(each[other], column)
            ]
            if ratios:
                write(f"{name} {column} burst/{other}: {_span(ratios)}\n")
    cpu = [each["burst"].cpu_seconds - each["elsewhere"].cpu_seconds for each in rounds]
    write(f"{name} ms a letter: {_span([each * 1000 / letters for each in cpu], '.3f')}\n")
    return median(each["burst"].rate / each["elsewhere"].rate for each in rounds)


def print_requests(name: str, rounds: Rounds) -> bool:
    """Print what Dagster was told meanwhile; whether no report was beyond its limit."""
    greatest = 0
    for kind in ("quiet", "burst"):
        requests = [each for row in rounds for each in row[kind].requests]
        sizes: dict[str, list[int]] = {}
        for each in requests:
            sizes.setdefault(each.path.strip("/"), []).append(len(each.body))
        told = ", ".join(
            f"{len(every)} {path} of at most {max(every):,} bytes"
            for path, every in sorted(sizes.items())
        )
        sys.stdout.write(f"{name} {kind}: requests in {len(rounds)} rounds: {told or 'none'}\n")
        greatest = max([greatest, *(max(every) for every in sizes.values())])
    return greatest <= PAYLOAD_MAX


def _middle(rounds: Sequence[Round], column: str) -> float:
    return float(median(getattr(each, column) for each in rounds))


def _span(values: Sequence[float], form: str = ".2f") -> str:
    return f"{median(values):{form}} ({min(values):{form}}-{max(values):{form}})"


def main(arguments: Mapping[str, Any]) -> int:
    """Measure and print; 1 if a goal is missed."""
    given = argparse.Namespace(**arguments)
    with (
        launch_java_broker() as broker,
        launch_dagster_server() as server,
        MeteredWay(server.base_url) as way,
        BurstWriter(broker.bootstrap_servers, given.letters, given.folder) as writer,
    ):
        print_machine(given.rounds)
        sys.stdout.write(f"{given.letters:,} dead letters a burst, {given.rate:,} records/s\n")
        bench, fine = Bench(broker, way, writer, given), True
        for name in given.only or ("tail", "backlog"):
            rounds = bench.tailed() if name == "tail" else bench.read_back()
            share = print_rounds(name, rounds, given.letters)
            fine &= print_requests(name, rounds)
            fine &= share >= LEAST_SHARE
            sys.stdout.write(f"{name} rate left by a burst: {share:.2f} (goal: {LEAST_SHARE})\n")
            sys.stdout.flush()
    return int(not fine)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--letters", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=5_000, help="of the tailed stream")
    parser.add_argument("--records", type=int, default=4_000_000, help="of the backlog")
    parser.add_argument("--seconds", type=float, default=5.0, help="of a round of the tail")
    parser.add_argument("--folder", type=Path, default=LETTERS, help="recorded dead letters")
    parser.add_argument("--only", nargs="*", choices=("tail", "backlog"))
    sys.exit(main(vars(parser.parse_args())))
