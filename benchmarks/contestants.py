"""What reading one backlog costs a process of its own: the whole gauge, or a peer of it."""  # noqa: INP001 - a part of scripts, not of a package

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import yaml
from confluent_kafka import Consumer, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable

    from backlog import Backlog

PEERS: Final = Path(__file__).with_name("peers.py")
GROUP: Final = "bench-workers"
_LISTENING = re.compile(r'"address": ?"([^"]+)"')
_LOOK_SECONDS: Final = 0.5
_LIMIT_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process took from its start to its end."""

    cpu_seconds: float
    """User and system, of all threads."""
    wall_seconds: float
    """Until all was read."""
    peak_rss_mb: float
    rss_mb: float
    """When all was read."""
    told: dict[str, Any]
    """What it said of itself then."""


class Contestant:
    """Runs one kind of process on one backlog after another."""

    def __init__(self, bootstrap_servers: str, otlp_endpoint: str, folder: Path) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._folder = folder
        given = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "STREAMGAUGE_"))}
        self._environment = given | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRIC_EXPORT_INTERVAL": "5000",
        }

    def read(self, backlog: Backlog) -> Spent:
        """Start, read all of it, and end.

        Raises:
            RuntimeError: it ended early, or did not end in time.
        """
        raise NotImplementedError

    def _metered(
        self,
        command: list[str],
        wait: Callable[[subprocess.Popen[str]], dict[str, Any]],
        log: Path,
    ) -> Spent:
        began = time.monotonic()
        with (
            log.open("w") as errors,
            subprocess.Popen(  # noqa: S603 - our own programs
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=self._environment,
            ) as process,
        ):
            try:
                told = wait(process)
                wall_seconds = time.monotonic() - began
                rss_mb, peak_rss_mb = _memory_mb(process.pid)
                process.send_signal(signal.SIGTERM)
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            except BaseException:
                process.kill()
                sys.stderr.write(log.read_text()[-2_000:])
                raise
        return Spent(usage.ru_utime + usage.ru_stime, wall_seconds, peak_rss_mb, rss_mb, told)


class Peer(Contestant):
    """One of the two programs of `peers.py`.

    Args:
        which: its name there.
    """

    def __init__(
        self, which: str, bootstrap_servers: str, otlp_endpoint: str, folder: Path
    ) -> None:
        super().__init__(bootstrap_servers, otlp_endpoint, folder)
        self._which = which

    def read(self, backlog: Backlog) -> Spent:
        """See `Contestant.read`."""
        arguments = [self._which, self._bootstrap_servers, backlog.topic, str(backlog.records)]
        log = self._folder / f"{self._which}.log"
        return self._metered([sys.executable, str(PEERS), *arguments], self._wait, log)

    def _wait(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        if process.stdout is None or process.stdout.readline().strip() != "done":
            raise RuntimeError(f"{self._which} ended before all was read")
        return {}


class Gauge(Contestant):
    """The sidecar as it is deployed: state in Kafka, OTLP, a watched group, `/status`.

    The group commits what the gauge was last heard to have counted, so that each record is also
    aged as processed.
    """

    _runs = 0

    def read(self, backlog: Backlog) -> Spent:
        """See `Contestant.read`."""
        Gauge._runs += 1
        name = f"{backlog.topic}-{Gauge._runs}"
        settings = {
            "kafka": {"bootstrap_servers": self._bootstrap_servers},
            "web": {"listen": "127.0.0.1:0"},
            "otlp": {},
            "streams": {
                "bench": {
                    "topic": backlog.topic,
                    "start_from": "earliest",
                    "groups": [f"{GROUP}-{name}"],
                    "state_group": f"streamgauge.{name}",
                }
            },
        }
        path, log = self._folder / "streamgauge.yaml", self._folder / "gauge.log"
        path.write_text(yaml.safe_dump(settings))
        command = [sys.executable, "-m", "streamgauge", "run", "--config", str(path)]
        group = Consumer(
            {
                "bootstrap.servers": self._bootstrap_servers,
                "group.id": f"{GROUP}-{name}",
                "enable.auto.commit": False,
            }
        )
        try:
            _commit(group, backlog.topic, dict.fromkeys(range(8), 0))
            return self._metered(command, lambda _: _follow(log, group, backlog), log)
        finally:
            group.close()


def _follow(log: Path, group: Consumer, backlog: Backlog) -> dict[str, Any]:
    """Look twice a second until all is counted and passed, and let the group follow."""
    deadline = time.monotonic() + _LIMIT_SECONDS
    with httpx.Client(timeout=10) as client:
        while time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
            address = _LISTENING.search(log.read_text())
            if address is None:
                continue
            answer = client.get(f"http://{address[1]}/status").json()
            stream = answer["streams"].get("bench")
            if stream is None or (not backlog.records and stream["completeness"] < 1):
                continue
            totals = stream["totals"]
            of_group = next(iter(totals["groups"].values()), {"aged": None, "unaged": 0})
            aged = (of_group["aged"] or {"count": 0})["count"]
            if totals["records"] == backlog.records == aged + of_group["unaged"]:
                return {"stream": stream, "aged": aged}
            positions = {int(n): at["next_offset"] for n, at in stream["partitions"].items()}
            if any(positions.values()):
                _commit(group, backlog.topic, positions)
    raise RuntimeError("the gauge did not count all records in time")


def _commit(group: Consumer, topic: str, positions: dict[int, int]) -> None:
    offsets = [TopicPartition(topic, number, offset) for number, offset in positions.items()]
    group.commit(offsets=offsets, asynchronous=False)


def _memory_mb(pid: int) -> tuple[float, float]:
    """Resident memory now and at its peak."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    kb = {name: int(re.search(rf"{name}:\s+(\d+)", status)[1]) for name in ("VmRSS", "VmHWM")}
    return kb["VmRSS"] / 1e3, kb["VmHWM"] / 1e3
