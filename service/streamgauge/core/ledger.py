"""The ledger: a bounded index of one partition from offset to event time and arrival time.

The newest records are known exactly, as many as the budget of the process has room for; before
them lie coarse blocks, which know offsets exactly and event times within a bound, and before those
nothing. Whoever reads is told by how much a time may be wrong at most.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from streamgauge.core.exact_block import ExactBlock
from streamgauge.core.ledger_budget import LedgerBudget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from streamgauge.core.coarse_block import CoarseBlock

__all__ = ["FirstRecord", "Ledger", "LedgerBudget", "Times"]

_READ_RECORDS: Final = 8_192
"""Records that are handed out at once, at least: few calls, and nothing that is large."""

_last_offset: Final = attrgetter("last_offset")


class Times(NamedTuple):
    """What is known of consecutive records."""

    event_ms: NDArray[np.int64]
    """int64[n], event time or UNKNOWN."""
    arrived_ms: NDArray[np.int64]
    """int64[n], arrival time or UNKNOWN."""


class FirstRecord(NamedTuple):
    """The first record at or after an offset."""

    offset: int
    event_ms: int
    """UNKNOWN if it has none."""
    error_ms: int
    """By how much the event time may be wrong at most, to either side."""


class Ledger:
    """What is known of the records of one partition in [start, end).

    Args:
        budget: shared with other ledgers.
        position: where reading begins.
    """

    def __init__(self, budget: LedgerBudget, position: int) -> None:
        self._budget = budget
        self._exact: list[ExactBlock] = []
        self._coarse: list[CoarseBlock] = []
        self.start = position
        """Every record from here on is known; what lies before is deleted, dropped or not read."""
        self.end = position
        """Up to here everything was read."""
        self.exact_records = 0
        self.coarse_records = 0
        self._added = 0

    def add(
        self,
        offsets: NDArray[np.int64],
        event_ms: NDArray[np.int64],
        arrived_ms: NDArray[np.int64],
        next_offset: int,
    ) -> None:
        """Remember records; what lies before `end` is known already.

        Args:
            offsets: int64[n], ascending.
            event_ms: int64[n], event time or UNKNOWN.
            arrived_ms: int64[n], arrival time or UNKNOWN.
            next_offset: offset up to which this is all that can be read.
        """
        at = 0
        if len(offsets) and int(offsets[0]) < self.end:
            at = int(np.searchsorted(offsets, self.end))
        if at < len(offsets):
            self.end = int(offsets[-1]) + 1
        while at < len(offsets):
            block, room = self._growing(int(offsets[at]))
            taken = block.append(offsets[at:], event_ms[at:], arrived_ms[at:])
            at += taken
            self._added += taken
            self.exact_records += taken
            self._budget.grew(self, block, block.room - room)
        self.end = max(self.end, next_offset)

    def _growing(self, offset: int) -> tuple[ExactBlock, int]:
        """A block that can take a record, and the room that it has taken so far."""
        if self._exact and self._exact[-1].takes(offset):
            return self._exact[-1], self._exact[-1].room
        self._exact.append(ExactBlock(offset, self._added))
        return self._exact[-1], 0

    def forget_before(self, offset: int) -> None:
        """Records before the offset can be read no more: retention has deleted them."""
        if offset <= self.start:
            return
        self.start = offset
        self.end = max(self.end, offset)
        while self._coarse and self._coarse[0].last_offset < offset:
            self._free(self._coarse.pop(0))
        while self._exact and self._exact[0].last_offset < offset:
            self._free(self._exact.pop(0))

    def forget_from(self, offset: int) -> None:
        """Records from the offset on are gone: the log was cut off there."""
        if offset >= self.end:
            return
        self.start, self.end = min(self.start, offset), offset
        while self._exact and self._exact[-1].first_offset >= offset:
            self._free(self._exact.pop())
        while self._coarse and self._coarse[-1].first_offset >= offset:
            self._free(self._coarse.pop())
        for last in (self._coarse[-1:], self._exact[-1:]):
            for block in last:
                block.cut(offset)
        for block in (self._exact or self._coarse)[-1:]:
            self._added = block.before + block.count
        self.exact_records = sum(block.count for block in self._exact)
        self.coarse_records = sum(block.count for block in self._coarse)

    def forget(self) -> None:
        """Give all room back: the log is another one, or somebody else reads it."""
        for block in self._all_blocks:
            self._budget.freed(block)
        self._coarse, self._exact = [], []
        self.exact_records = self.coarse_records = 0
        self.start = self.end

    def _free(self, block: CoarseBlock | ExactBlock) -> None:
        if isinstance(block, ExactBlock):
            self.exact_records -= block.count
        else:
            self.coarse_records -= block.count
        self._budget.freed(block)

    @property
    def _all_blocks(self) -> Iterator[CoarseBlock | ExactBlock]:
        return chain(self._coarse, self._exact)

    def coarsen_oldest(self) -> CoarseBlock:
        """Make the first exact block coarse; the budget asks for it."""
        exact = self._exact.pop(0)
        coarse = exact.coarsened()
        self._coarse.append(coarse)
        self.exact_records -= exact.count
        self.coarse_records += exact.count
        return coarse

    def drop_oldest(self) -> int:
        """Drop the first coarse block and say how many records that are; the budget asks for it."""
        coarse = self._coarse.pop(0)
        self.coarse_records -= coarse.count
        dropped = coarse.count - coarse.rank(self.start)
        self.start = max(self.start, coarse.last_offset + 1)
        return dropped

    def count(self, first: int, end: int) -> int:
        """Records in [first, end); outside of the ledger each offset stands for one."""
        from_here, up_to = max(first, self.start), min(end, self.end)
        if from_here >= up_to:
            return max(0, end - first)
        outside = (from_here - first) + (end - up_to)
        return outside + self._rank(up_to) - self._rank(from_here)

    def _rank(self, offset: int) -> int:
        """How many records lie before the offset, of all that were added."""
        for blocks in (self._coarse, self._exact):
            at = bisect_left(blocks, offset, key=_last_offset)
            if at < len(blocks):
                return blocks[at].before + blocks[at].rank(offset)
        return self._added

    def read(self, first: int, end: int) -> Iterator[Times]:
        """What is known of the records in [first, end) that the ledger has.

        They come in the order of the offsets, some thousand each time.
        """
        first = max(first, self.start)
        found: list[Times] = []
        records = 0
        for block in self._blocks(first, end):
            event_ms, arrived_ms, error_ms = block.read(block.rank(first), block.rank(end))
            self._budget.was_read(error_ms)
            found.append(Times(event_ms, arrived_ms))
            records += len(event_ms)
            if records >= _READ_RECORDS:
                yield _joined(found)
                found, records = [], 0
        if records:
            yield _joined(found)

    def first_record(self, offset: int) -> FirstRecord | None:
        """The first record at or after an offset; None if there is none before the end.

        Raises:
            ValueError: if the offset is not in [start, end].
        """
        if not self.start <= offset <= self.end:
            raise ValueError(f"offset {offset} is not in [{self.start}, {self.end}]")
        for block in self._blocks(offset, self.end):
            rank = block.rank(offset)
            return FirstRecord(block.offset(rank), *block.event_ms(rank))
        return None

    def _blocks(self, first: int, end: int) -> Iterator[CoarseBlock | ExactBlock]:
        """Those with records in [first, end), in order."""
        for blocks in (self._coarse, self._exact):
            for at in range(bisect_left(blocks, first, key=_last_offset), len(blocks)):
                if blocks[at].first_offset >= end:
                    return
                yield blocks[at]


def _joined(found: list[Times]) -> Times:
    return found[0] if len(found) == 1 else Times(*map(np.concatenate, zip(*found, strict=True)))
