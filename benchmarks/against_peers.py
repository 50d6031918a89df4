"""What the whole gauge costs a record beside two programs that do less with the same records.

Run: `python benchmarks/against_peers.py [--json FILE]`, or `make bench`. It starts an Apache Kafka
of its own, which takes Java, and lasts some minutes. The contestants, each a process of its own:

- gauge: `streamgauge run` with its state in Kafka, OTLP over HTTP to a receiver of this machine and
  one watched group, which commits what the gauge was last heard to have counted. It has read the
  backlog when `/status` says that all records are counted and all are aged as processed.
- confluent: `consume(10000)` of confluent-kafka and `headers()` of each message; nothing else.
- naive: aiokafka record by record; OpenTelemetry extracts the trace context and records the age.

The contestants take turns. In each round each one reads an empty topic and then its backlog:
what it costs a record is what the second took more of the processor's time, of all threads from
start to end, through the number of records. So what a start costs is in none of the figures, and
what the gauge does every second is. Nanoseconds depend on the machine, the ratios are what to look
at: each is taken within a round, and told as the median of all rounds between the least and the
greatest.

The records are what a plain librdkafka producer leaves that lingers for 20 ms; the broker stamps
them, so that each has an arrival age. The naive program reads fewer of them than the others, as it
takes so long.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from backlog import LINGER_MS, PARTITIONS, RECORD_BYTES, BacklogWriter
from contestants import Contestant, Gauge, Peer, Spent
from tables import print_machine

from streamgauge_demo.parts.broker_java import launch_java_broker
from streamgauge_demo.parts.otlp_receiver import OtlpReceiver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backlog import Backlog

ROUNDS: Final = 5
RECORDS: Final = 4_000_000
NAIVE_SHARE: Final = 1 / 16
"""Of the records, which the naive program reads."""
MOST_OF_CONFLUENT: Final = 0.6
MOST_OF_NAIVE: Final = 1 / 15
MOST_EMPTY_MB: Final = 90.0
IMPORTS: Final = """
import re
import streamgauge.app.run, opentelemetry.exporter.otlp.proto.http.metric_exporter
import opentelemetry.exporter.otlp.proto.http.trace_exporter, uvloop
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One contestant with what it reads."""

    contestant: Contestant
    backlog: Backlog
    empty: Backlog

    def turn(self) -> Turn:
        """Let it read both once."""
        return Turn(self.backlog.records, self.contestant.read(self.empty), self._read())

    def _read(self) -> Spent:
        return self.contestant.read(self.backlog)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one contestant took in one round."""

    records: int
    empty: Spent
    full: Spent

    @property
    def us_per_record(self) -> float:
        """Microseconds of the processor."""
        return (self.full.cpu_seconds - self.empty.cpu_seconds) / self.records * 1e6

    @property
    def records_per_second(self) -> float:
        """By the clock."""
        return self.records / (self.full.wall_seconds - self.empty.wall_seconds)


Round = dict[str, Turn]


def main() -> None:
    """Measure, print, and write all of it as JSON."""
    parser = argparse.ArgumentParser(description="see the head of this file")
    folder = Path(os.environ.get("TMPDIR", tempfile.gettempdir()))
    parser.add_argument("--json", type=Path, default=folder / "streamgauge-bench.json")
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--compression", default="lz4", help="or none, gzip, snappy, zstd")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as logs,
        launch_java_broker() as broker,
        OtlpReceiver() as otlp,
    ):
        writer = BacklogWriter(broker, given.compression)
        none = writer.write("none", 0)
        few = writer.write("few", int(given.records * NAIVE_SHARE))
        many = writer.write("many", given.records)
        where = (broker.bootstrap_servers, otlp.http_endpoint, Path(logs))
        entries = {
            "gauge": Entry(Gauge(*where), many, none),
            "confluent": Entry(Peer("confluent", *where), many, none),
            "naive": Entry(Peer("naive", *where), few, none),
        }
        print_machine(given.rounds)
        sys.stdout.write(
            f"{many.records:,} records ({few.records:,} naive) of {RECORD_BYTES} bytes on "
            f"{PARTITIONS} partitions, {given.compression}, linger {LINGER_MS} ms: "
            f"{many.records_per_batch:.0f} records a batch\n\n"
        )
        rounds = [measured(entries, number) for number in range(given.rounds)]
    summary = summed_up(rounds)
    tell(rounds, summary)
    settings = {"records": given.records, "compression": given.compression}
    found = {
        **settings,
        "records_per_batch": many.records_per_batch,
        **summary,
        "rounds": [{name: asdict(turn) for name, turn in each.items()} for each in rounds],
    }
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(found, indent=1))
    sys.stdout.write(f"all figures: {given.json}\n")


def measured(entries: Mapping[str, Entry], number: int) -> Round:
    """Let each contestant have its turn, and say how it went."""
    turns = {name: entry.turn() for name, entry in entries.items()}
    costs = ", ".join(f"{name} {turn.us_per_record:.2f}" for name, turn in turns.items())
    sys.stdout.write(f"round {number + 1}: {costs} us a record\n")
    sys.stdout.flush()
    return turns


def summed_up(rounds: list[Round]) -> dict[str, Any]:
    """Ratios and memory, each with its median, least and greatest."""
    gauges = [each["gauge"] for each in rounds]

    def of(name: str, what: Callable[[Turn], float]) -> dict[str, float]:
        return spread([what(each[name]) for each in rounds])

    def ratio(peer: str) -> dict[str, float]:
        return spread([each["gauge"].us_per_record / each[peer].us_per_record for each in rounds])

    return {
        "cpu_us_per_record": {
            name: of(name, lambda turn: turn.us_per_record) for name in rounds[0]
        },
        "records_per_second": {
            name: of(name, lambda turn: turn.records_per_second) for name in rounds[0]
        },
        "peak_rss_mb": {name: of(name, lambda turn: turn.full.peak_rss_mb) for name in rounds[0]},
        "cpu_per_record_vs_confluent": ratio("confluent"),
        "cpu_per_record_vs_naive": ratio("naive"),
        "rss_mb_imports": imports_mb(),
        "rss_mb_empty_ledger": spread([each.empty.rss_mb for each in gauges]),
        "rss_mb_full_ledger": spread([each.full.rss_mb for each in gauges]),
        "exact_records": gauges[-1].full.told["stream"]["ledger"]["exact_records"],
    }


def spread(values: list[float]) -> dict[str, float]:
    """The median between the least and the greatest."""
    return {"median": median(values), "least": min(values), "greatest": max(values)}


def imports_mb() -> float:
    """What a process takes that imports what the gauge imports, and does nothing."""
    found = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", IMPORTS], check=True, capture_output=True, text=True
    )
    return int(found.stdout) / 1e3


def tell(rounds: list[Round], summary: dict[str, Any]) -> None:
    """Print the table, and one line for each bound."""
    write = sys.stdout.write
    write(f"\n{'':12}{'us a record':>22}{'records a second':>18}{'peak MB':>9}\n")
    for name in rounds[0]:
        cost = text(summary["cpu_us_per_record"][name], ".2f")
        speed = summary["records_per_second"][name]["median"]
        peak = summary["peak_rss_mb"][name]["median"]
        write(f"{name:12}{cost:>22}{speed:18,.0f}{peak:9.0f}\n")
    confluent, naive = (summary[f"cpu_per_record_vs_{each}"] for each in ("confluent", "naive"))
    empty, full = summary["rss_mb_empty_ledger"], summary["rss_mb_full_ledger"]
    write(f"\nbench: cpu_per_record_vs_confluent={confluent['median']:.2f}")
    write(f" ({_range(confluent, '.2f')}; at most {MOST_OF_CONFLUENT})\n")
    write(f"bench: cpu_per_record_vs_naive={naive['median']:.3f}")
    write(f" ({_range(naive, '.3f')}; at most {MOST_OF_NAIVE:.3f})\n")
    write(f"bench: rss_mb_empty_ledger={empty['median']:.0f}")
    write(f" (below {MOST_EMPTY_MB:.0f}; imports alone {summary['rss_mb_imports']:.0f})\n")
    write(f"bench: rss_mb_full_ledger={full['median']:.0f}")
    write(f" ({summary['exact_records']:,} exact records)\n")


def text(values: dict[str, float], form: str) -> str:
    """The median, with the others behind it."""
    return f"{values['median']:{form}} ({_range(values, form)})"


def _range(values: dict[str, float], form: str) -> str:
    return f"{values['least']:{form}}-{values['greatest']:{form}}"


if __name__ == "__main__":
    main()
