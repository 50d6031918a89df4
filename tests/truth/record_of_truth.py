"""What the harness has done to a topic and its groups, and when, by its own clock.

Nothing that goes over a network happens at a moment that the harness knows: it happens within a
span, which begins before the request was sent and ends after the answer came. Seconds since the
epoch everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator


class Span(NamedTuple):
    """Something happened at one moment, not before `lo` and not after `hi`."""

    lo: float
    hi: float


NEVER = Span(math.inf, math.inf)


@dataclass(slots=True, eq=False)
class Transaction:
    """What was written in one go; nothing of it, nor after it, is readable before it has ended."""

    ended: Span = NEVER
    aborted: bool = False


@dataclass(slots=True, eq=False)
class Record:
    """One record as the broker has acknowledged it."""

    partition: int
    offset: int
    event: float
    """Event time."""
    appended: Span
    transaction: Transaction | None = None
    gone: Span = NEVER
    """When it was deleted."""


class Row(NamedTuple):
    """One record that a read_committed consumer can read some time, and when."""

    offset: float
    event: float
    from_lo: float
    from_hi: float
    gone_lo: float
    gone_hi: float


class Columns(NamedTuple):
    """All such records of a partition, by offset."""

    offsets: np.ndarray
    event: np.ndarray
    from_lo: np.ndarray
    from_hi: np.ndarray
    gone_lo: np.ndarray
    gone_hi: np.ndarray

    def rows(self) -> Iterator[Row]:
        """Record by record."""
        return (Row(*row) for row in np.array(self).T.tolist())

    def slackened(self, seconds: float) -> Columns:
        """The same, if nothing were known closer than this of when each became readable."""
        return self._replace(from_lo=self.from_lo - seconds, from_hi=self.from_hi + seconds)


@dataclass(eq=False)
class Log:
    """One topic from its creation to its deletion."""

    topic: str
    partitions: int
    compacted: bool = False
    """Whether records may vanish in the middle, at a time that is not known well."""
    records: list[Record] = field(default_factory=list)
    written: dict[int, int] = field(default_factory=dict)
    """Offset after the last acknowledged record, by partition."""

    def add(self, record: Record) -> None:
        """Note a record that was acknowledged."""
        self.records.append(record)
        self.written[record.partition] = max(
            self.written.get(record.partition, 0), record.offset + 1
        )

    def columns(self) -> dict[int, Columns]:
        """By partition, what a read_committed consumer can read, and when."""
        rows: dict[int, list[tuple[float, ...]]] = {each: [] for each in range(self.partitions)}
        open_until: dict[int, Span] = {}
        for record in sorted(self.records, key=lambda each: (each.partition, each.offset)):
            until = open_until.get(record.partition, Span(-math.inf, -math.inf))
            if record.transaction is not None:
                ended = record.transaction.ended
                until = Span(max(until.lo, ended.lo), max(until.hi, ended.hi))
                open_until[record.partition] = until
                if record.transaction.aborted:
                    continue
            rows[record.partition].append((
                record.offset,
                record.event,
                max(record.appended.lo, until.lo),
                max(record.appended.hi, until.hi),
                record.gone.lo,
                record.gone.hi,
            ))  # fmt: skip
        return {
            number: Columns(*np.array(of, dtype=float).reshape(-1, len(Columns._fields)).T)
            for number, of in rows.items()
        }


class State(NamedTuple):
    """What a group has committed from some moment on."""

    since: Span
    log: Log | None
    """The topic that it has committed on; None if it has committed nothing, or nothing any more."""
    offsets: dict[int, int]


@dataclass(eq=False)
class GroupHistory:
    """A group and all that it has committed; one request after another."""

    name: str
    states: list[State] = field(default_factory=list)

    def committed(self, log: Log, offsets: dict[int, int], since: Span) -> None:
        """Note a commit: what it does not name stays as it was, on the same topic."""
        last = self.states[-1] if self.states else None
        kept = last.offsets if last is not None and last.log is log else {}
        self.states.append(State(since, log, kept | offsets))

    def erased(self, since: Span) -> None:
        """Note that the group or its topic was deleted."""
        self.states.append(State(since, None, {}))

    @property
    def now(self) -> dict[int, int]:
        """What it has committed last."""
        return self.states[-1].offsets if self.states else {}
