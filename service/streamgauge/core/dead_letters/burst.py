"""Runs of consecutive offsets that died in one moment, as a batch that dies as a whole does."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge.core.dead_letters.dead_letter import Address

MOMENT_MS: Final = 1_000
"""A batch is published within this; where offsets go on to die for longer, it is none."""
BATCH_LETTERS: Final = 3
"""Fewer consecutive offsets are no batch."""
RUNS: Final = 64
"""Runs of one cause that are remembered, and partitions on which one may go on."""


@dataclass(slots=True, eq=False)
class Run:
    """Consecutive offsets of one original partition; a single one is a run too."""

    topic: str | None
    partition: int | None
    first: int
    last: int
    first_ms: int
    """When the first one died."""
    last_ms: int
    at_ms: int
    """Receipt of the last one."""

    @property
    def is_batch(self) -> bool:
        """Whether it looks like a batch that died as a whole."""
        is_long = self.last - self.first + 1 >= BATCH_LETTERS
        return is_long and self.last_ms - self.first_ms <= MOMENT_MS

    def overlaps(self, other: Run) -> bool:
        """Whether a record is in both."""
        same = (self.topic, self.partition) == (other.topic, other.partition)
        return same and self.first <= other.last and other.first <= self.last


class Runs:
    """The latest runs of one cause."""

    __slots__ = ("_open", "_runs")

    def __init__(self) -> None:
        self._runs: deque[Run] = deque(maxlen=RUNS)
        self._open: OrderedDict[tuple[str | None, int | None], Run] = OrderedDict()

    def add(self, origin: Address, died_ms: int, at_ms: int) -> Run | None:
        """The run to which a dead letter belongs; None where the address has no offset."""
        topic, partition, offset = origin
        if offset is None:
            return None
        where = (topic, partition)
        run = self._open.get(where)
        if run is not None and offset == run.last + 1 and abs(died_ms - run.last_ms) <= MOMENT_MS:
            run.last, run.last_ms, run.at_ms = offset, died_ms, at_ms
            return run
        run = Run(topic, partition, offset, offset, died_ms, died_ms, at_ms)
        self._open[where] = run
        self._open.move_to_end(where)
        if len(self._open) > RUNS:
            self._open.popitem(last=False)
        self._runs.append(run)
        return run

    def since(self, at_ms: int) -> Iterator[Run]:
        """Those that were received after that time."""
        return (run for run in self._runs if run.at_ms > at_ms)
