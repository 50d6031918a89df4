"""What happened, as the producer and the services logged it themselves: no word of it is ours."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sent:
    """An order that the broker has acknowledged; times in milliseconds since the epoch.

    `append_ms` is the broker's stamp, None where the topic bears the producer's.
    """

    phase: str
    partition: int
    offset: int
    event_ms: int
    sent_ms: int
    acked_ms: int
    append_ms: int | None
    trace_id: str
    span_id: str
    sampled: bool
    doomed: str | None


@dataclass(frozen=True, slots=True)
class Dead:
    """A dead letter that the broker has acknowledged."""

    service: str
    partition: int
    offset: int
    origin_partition: int
    origin_offset: int
    sent_ms: int
    acked_ms: int
    trace_id: str
    span_id: str
    sampled: bool


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that took effect at some time from `began_ms` to `ended_ms`."""

    service: str
    began_ms: int
    ended_ms: int
    offsets: Mapping[int, int]
    """Offset by partition: up to where the service is done."""


@dataclass(frozen=True, slots=True)
class Interval:
    """When a phase began and when its last order was acknowledged."""

    began_ms: int
    ended_ms: int


@dataclass(frozen=True, slots=True)
class Truth:
    """The logs of all programs, in the order in which they were written."""

    sent: tuple[Sent, ...]
    dead: tuple[Dead, ...]
    commits: tuple[Commit, ...]
    begun: tuple[str, ...]
    """The phases that have begun, in their order."""
    phases: Mapping[str, Interval]
    """The phases that have ended."""
    ended: bool
    """Whether the story was told to its end."""

    def counts(self, phase: str | None = None) -> dict[int, int]:
        """Orders by partition, of one phase or of all."""
        return dict(Counter(o.partition for o in self.sent if phase in {None, o.phase}))

    def dead_counts(self) -> dict[int, int]:
        """Dead letters by partition of their topic."""
        return dict(Counter(letter.partition for letter in self.dead))

    def commits_of(self, service: str) -> list[Commit]:
        """The commits of a service, the oldest first."""
        return [commit for commit in self.commits if commit.service == service]

    def committed(self, service: str) -> dict[int, int]:
        """The last committed offset of a service by partition."""
        last: dict[int, int] = {}
        for commit in self.commits_of(service):
            last.update(commit.offsets)
        return last


def log_path(folder: Path, program: str) -> Path:
    """Where the producer or a service writes its log."""
    return folder / f"{program}.jsonl"


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Give the whole lines of a log, which may still be written to; none if there is no log."""
    if not path.exists():
        return
    for line in path.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)


def read(folder: Path, services: Iterable[str]) -> Truth:
    """Read the logs of the producer and of the services in a folder."""
    producer = list(lines(log_path(folder, "producer")))
    logs = {service: list(lines(log_path(folder, service))) for service in services}
    return Truth(
        sent=tuple(_sent(line) for line in producer if line["event"] == "sent"),
        dead=tuple(
            _dead(service, line)
            for service, log in logs.items()
            for line in log
            if line["event"] == "dead"
        ),
        commits=tuple(
            _commit(service, line)
            for service, log in logs.items()
            for line in log
            if line["event"] == "committed"
        ),
        begun=tuple(line["phase"] for line in producer if line["event"] == "phase_began"),
        phases=_phases(producer),
        ended=any(line["event"] == "story_ended" for line in producer),
    )


def _sent(line: Mapping[str, Any]) -> Sent:
    return Sent(acked_ms=line["at_ms"], **_without(line, "event", "at_ms"))


def _dead(service: str, line: Mapping[str, Any]) -> Dead:
    return Dead(service=service, acked_ms=line["at_ms"], **_without(line, "event", "at_ms"))


def _commit(service: str, line: Mapping[str, Any]) -> Commit:
    offsets = {int(partition): offset for partition, offset in line["offsets"].items()}
    return Commit(service, line["began_ms"], line["at_ms"], offsets)


def _phases(producer: Iterable[Mapping[str, Any]]) -> dict[str, Interval]:
    began, ended = {}, {}
    for line in producer:
        if line["event"] == "phase_began":
            began[line["phase"]] = line["at_ms"]
        elif line["event"] == "phase_ended":
            ended[line["phase"]] = Interval(began[line["phase"]], line["at_ms"])
    return ended


def _without(line: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in names}
