"""What people who use Dagster's pages notice of gauges that report many streams.

Run: `python benchmarks/dagster_load.py [--postgres] [--streams=500] [--periods=2]`. One real
webserver has the definitions of all streams, each with a dead letter topic and five checks. Gauges
of a hundred streams each report to it at their default cadence, through their own sinks and
clients, in one process; the snapshots are generated and change every second. Meanwhile two
questions are asked in turns, as the pages ask them: the live state of twenty assets ("list"), and
what the page of one stream shows ("page").

Rounds with reports alternate with rounds without: in these the gauges stand still, and so does
their clock; a connection that was waiting may then have been closed, and a report fails and is
told again. A round with reports is compared with the rounds around it. A period lasts as long as
the reports of all streams are due once; in the first one the gauges get to know Dagster. "Busiest"
is the round with the most reports. Milliseconds are those of the asker's clock; the ratio is that
of the medians, or of the 99th percentiles. Shares are of one core.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
from asked import LIST_ASSETS, QUESTIONS
from reporting_gauge import ReportingGauges, Told, configurations
from tables import machine

from streamgauge_demo.parts.dagster_kinds import DagsterKind, dagster_of_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamgauge_demo.parts.dagster_server import DagsterServer

IDLE_SECONDS = 6.0
LOADED_SECONDS = 14.0
SETTLE_SECONDS = 0.3
"""After the gauge was stopped, for what it had sent before."""
START_TIMEOUT_SECONDS = 300.0
TICKS_PER_SECOND = 100
"""Of the processor times in /proc."""
DEFINITIONS = """
import dagster as dg
from streamgauge_dagster import build_definitions

defs = dg.Definitions.merge(*(build_definitions(each, environ={{}}) for each in {values!r}))
"""


@dataclass(slots=True)
class Round:
    """How long each answer took, and what was reported meanwhile."""

    seconds: float = 0.0
    answered: dict[str, list[float]] = field(default_factory=dict)
    """Milliseconds by question."""
    reports: int = 0
    failed: int = 0
    gauge_seconds: float = 0.0
    """Of a processor."""
    server_seconds: float = 0.0


class Bench:
    """One webserver, one gauge, one asker."""

    def __init__(self, server: DagsterServer, gauge: ReportingGauges, streams: int) -> None:
        self._server = server
        self._gauge = gauge
        self._streams = streams
        self._http = httpx.Client(timeout=60.0)
        self._asked = 0
        self._told = Told(0, 0, 0.0, 0.0)

    def idle(self) -> Round:
        """A round without reports."""
        return self._ask(IDLE_SECONDS)

    def loaded(self) -> Round:
        """A round with reports."""
        self._gauge.go_on()
        loaded = self._ask(LOADED_SECONDS)
        told = self._gauge.stop()
        loaded.reports = told.delivered - self._told.delivered
        loaded.failed = told.failed - self._told.failed
        loaded.gauge_seconds = told.cpu_seconds - self._told.cpu_seconds
        self._told = told
        time.sleep(SETTLE_SECONDS)
        return loaded

    @property
    def period_seconds(self) -> float:
        """The report period; known after the first round."""
        return self._told.report_every_seconds

    def _ask(self, seconds: float) -> Round:
        done, began, server = Round(), time.monotonic(), self._server_seconds()
        while (now := time.monotonic()) < began + seconds:
            for name, question in QUESTIONS.items():
                asked = time.perf_counter()
                answer = self._http.post(
                    f"{self._server.base_url}/graphql",
                    json={"query": question, "variables": self._variables()},
                )
                took_ms = (time.perf_counter() - asked) * 1000
                if "errors" in answer.json():
                    raise RuntimeError(f"Dagster refused {name}: {answer.text[:500]}")
                done.answered.setdefault(name, []).append(took_ms)
        done.seconds = now - began
        done.server_seconds = self._server_seconds() - server
        return done

    def _variables(self) -> dict[str, Any]:
        """Other streams each time."""
        self._asked += 1
        numbers = [(self._asked + each) % self._streams for each in range(LIST_ASSETS)]
        keys = [{"path": ["kafka", f"orders_{number}"]} for number in numbers]
        return {"keys": keys, "key": keys[0]}

    def _server_seconds(self) -> float:
        child = self._server._child  # noqa: SLF001 - nobody else wants to know
        stat = Path(f"/proc/{child.pid if child else 'self'}/stat").read_text(encoding="ascii")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / TICKS_PER_SECOND


def joined(rounds: list[Round]) -> Round:
    """All of them as one."""
    whole = Round()
    for each in rounds:
        for name in ("seconds", "reports", "failed", "gauge_seconds", "server_seconds"):
            setattr(whole, name, getattr(whole, name) + getattr(each, name))
        for question, answered in each.answered.items():
            whole.answered.setdefault(question, []).extend(answered)
    return whole


def print_row(name: str, idle: Round, loaded: Round) -> None:
    """Print one line per question."""
    write, seconds = sys.stdout.write, loaded.seconds
    for question, answered in loaded.answered.items():
        write(f"{name:12}{loaded.reports / seconds:10.1f}{loaded.failed:8}")
        for share in (loaded.gauge_seconds, loaded.server_seconds):
            write(f"{100 * share / seconds:8.0f}")
        p50s, p99s = (
            [float(np.percentile(each, q)) for each in (idle.answered[question], answered)]
            for q in (50, 99)
        )
        write(f"{question:>8}{len(answered):8}")
        for before, after in (p50s, p99s):
            write(f"{before:9.1f}{after:9.1f}{after / before:7.2f}")
        write("\n")
        name = ""
    sys.stdout.flush()


def print_head(kind: DagsterKind, streams: int) -> None:
    """Print what it ran on, and the columns."""
    sys.stdout.write(
        f"{machine()}, "
        f"Dagster {version('dagster')}, {kind}, {streams} streams\n\n"
        f"{'':12}{'reports/s':>10}{'failed':>8}{'gauge':>8}{'server':>8}{'asked':>8}{'times':>8}"
        f"{'p50 idle':>9}{'loaded':>9}{'ratio':>7}{'p99 idle':>9}{'loaded':>9}{'ratio':>7}\n"
    )
    sys.stdout.flush()


def measure(kind: DagsterKind, streams: int, periods: int) -> None:
    """Print a table of one webserver."""
    definitions = DEFINITIONS.format(values=configurations(streams))
    with (
        dagster_of_kind(kind, definitions, durable=True) as server,
        ReportingGauges(server.base_url, streams) as gauge,
    ):
        bench = Bench(server, gauge, streams)
        print_head(kind, streams)
        before = bench.idle()
        for period in range(1, periods + 1):
            rounds = []
            while sum(loaded.seconds for _, loaded in rounds) < (bench.period_seconds or 1.0):
                loaded, after = bench.loaded(), bench.idle()
                rounds.append((joined([before, after]), loaded))
                before = after
            idle = joined([each for each, _ in rounds])
            print_row(f"period {period}", idle, joined([each for _, each in rounds]))
            print_row("  busiest", *max(rounds, key=lambda each: each[1].reports))


def main(arguments: Mapping[str, Any]) -> None:
    """Measure one kind of server."""
    kind = DagsterKind.NEWEST_POSTGRES if arguments["postgres"] else DagsterKind.NEWEST_SQLITE
    measure(kind, arguments["streams"], arguments["periods"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--postgres", action="store_true", help="instead of SQLite")
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--periods", type=int, default=2)
    main(vars(parser.parse_args()))
