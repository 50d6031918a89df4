"""A block of a ledger in which offset, event time and arrival time of each record are known.

It answers by rank, the number of its records before an offset, as coarse blocks do: so a record is
in exactly one of two adjoining ranges of offsets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from streamgauge.core.coarse_block import CoarseBlock
from streamgauge.core.offset_set import OffsetSet
from streamgauge.model import UNKNOWN

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

BLOCK_RECORDS: Final = 512
"""Records of a block at most."""
_LEAST_RECORDS: Final = 32
"""Room of a new block; it is doubled as long as it does not do."""
_NEAR: Final = 1 << 16
"""Offsets of a block that lie less than this apart take 2 bytes, else 4."""
_SPAN: Final = 1 << 32
"""Offsets of a block lie less than this apart."""
_NO_ARRIVAL: Final = (1 << 32) - 1
_BEFORE_MS: Final = 1 << 31
"""A block knows arrivals up to 24 days before and after the first one."""
_NEVER_ARRIVED: Final = np.full(BLOCK_RECORDS, UNKNOWN, dtype=np.int64)


class ExactBlock:
    """14 bytes a record; it grows at its end.

    Args:
        first_offset: of the record that comes first.
        before: records of the ledger that came before it.
    """

    __slots__ = (
        "_all_arrived",
        "_apart",
        "_arrival_base_ms",
        "_arrivals",
        "_event_ms",
        "before",
        "count",
        "first_offset",
        "last_offset",
    )

    def __init__(self, first_offset: int, before: int = 0) -> None:
        self.first_offset = first_offset
        self.before = before
        self.last_offset = first_offset - 1
        """Of its last record."""
        self.count = 0
        self._apart: NDArray[np.unsignedinteger[Any]] = np.empty(_LEAST_RECORDS, dtype=np.uint16)
        self._event_ms = np.empty(_LEAST_RECORDS, dtype=np.int64)
        self._arrivals = np.empty(_LEAST_RECORDS, dtype=np.uint32)
        self._arrival_base_ms: int | None = None
        """A time that is added to what stands in `_arrivals`; None while no arrival is known."""
        self._all_arrived = False
        """Whether all arrivals are known."""

    @property
    def room(self) -> int:
        """How many records it has memory for."""
        return len(self._event_ms)

    def takes(self, offset: int) -> bool:
        """Whether there is a place for a record at this offset."""
        return self.count < BLOCK_RECORDS and offset - self.first_offset < _SPAN

    def append(
        self,
        offsets: NDArray[np.int64],
        event_ms: NDArray[np.int64],
        arrived_ms: NDArray[np.int64],
    ) -> int:
        """Take the first of these records, as many as fit, and return how many that is.

        Args:
            offsets: int64[n], ascending and after all that are in the block.
            event_ms: int64[n], event time or UNKNOWN.
            arrived_ms: int64[n], arrival time or UNKNOWN.
        """
        count = self.count
        apart = offsets[: BLOCK_RECORDS - count] - self.first_offset
        if int(apart[-1]) >= _SPAN:
            apart = apart[: int(np.searchsorted(apart, _SPAN))]
        taken = len(apart)
        self._make_room(count + taken, int(apart[-1]))
        self._apart[count : count + taken] = apart
        self._event_ms[count : count + taken] = event_ms[:taken]
        self._arrivals[count : count + taken] = self._since_base(arrived_ms[:taken])
        self.count += taken
        self.last_offset = int(offsets[taken - 1])
        return taken

    def _make_room(self, records: int, last_apart: int) -> None:
        if last_apart >= _NEAR and self._apart.dtype == np.uint16:
            self._apart = self._apart.astype(np.uint32)
        while records > self.room:
            self._apart = np.concatenate((self._apart, np.empty_like(self._apart)))
            self._event_ms = np.concatenate((self._event_ms, np.empty_like(self._event_ms)))
            self._arrivals = np.concatenate((self._arrivals, np.empty_like(self._arrivals)))

    def _since_base(self, arrived_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        known = arrived_ms != UNKNOWN
        if self._arrival_base_ms is None:
            if not known.any():
                return np.full(len(arrived_ms), _NO_ARRIVAL)
            self._arrival_base_ms = int(arrived_ms[int(known.argmax())]) - _BEFORE_MS
            self._all_arrived = self.count == 0
        since_ms = arrived_ms - self._arrival_base_ms
        known &= (since_ms >= 0) & (since_ms < _NO_ARRIVAL)
        if known.all():
            return since_ms
        self._all_arrived = False
        return np.where(known, since_ms, _NO_ARRIVAL)

    def rank(self, offset: int) -> int:
        """How many of its records lie before the offset."""
        apart = offset - self.first_offset
        if apart <= 0:
            return 0
        if offset > self.last_offset:
            return self.count
        if self.last_offset - self.first_offset == self.count - 1:
            return apart
        return int(np.searchsorted(self._apart[: self.count], self._apart.dtype.type(apart)))

    def offset(self, rank: int) -> int:
        """Offset of the record of this rank."""
        return self.first_offset + int(self._apart[rank])

    def event_ms(self, rank: int) -> tuple[int, int]:
        """Event time of the record of this rank or UNKNOWN, and how wrong it may be at most."""
        return int(self._event_ms[rank]), 0

    def read(
        self, first_rank: int, end_rank: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
        """Event times and arrival times of records, and how wrong an event time may be at most.

        Both are int64[end_rank - first_rank], UNKNOWN where there is none.
        """
        ranks = slice(first_rank, end_rank)
        if self._arrival_base_ms is None:
            return self._event_ms[ranks], _NEVER_ARRIVED[: end_rank - first_rank], 0
        arrivals = self._arrivals[ranks].astype(np.int64)
        if self._all_arrived:
            return self._event_ms[ranks], arrivals + self._arrival_base_ms, 0
        arrived_ms = np.where(arrivals == _NO_ARRIVAL, UNKNOWN, arrivals + self._arrival_base_ms)
        return self._event_ms[ranks], arrived_ms, 0

    def cut(self, offset: int) -> None:
        """Forget the records from this offset on, which are not all of them."""
        self.count = self.rank(offset)
        self.last_offset = self.offset(self.count - 1)

    def coarsened(self) -> CoarseBlock:
        """What is kept of it when there is no more room."""
        event_ms, arrived_ms, _ = self.read(0, self.count)
        offsets = OffsetSet(self._apart[: self.count])
        return CoarseBlock(self.first_offset, offsets, event_ms, arrived_ms, self.before)
